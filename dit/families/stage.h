// The three stages of a run. Each has weights of its own, which need not be in memory while another one works.
#pragma once

#include <array>
#include <string_view>

namespace kine::dit {

enum class Stage { Encode, Denoise, Decode };

inline constexpr std::array kStages = {Stage::Encode, Stage::Denoise, Stage::Decode};

std::string_view name_of(Stage stage);  ///< "encode", "denoise", "decode"

}  // namespace kine::dit
