// The stages of a run. Each has weights of its own, which need not be in memory while another one works. Refine: the
// steps with little noise of a model that has a second expert for them; nothing for the others.
#pragma once

#include <array>
#include <string_view>

namespace kine::dit {

enum class Stage { Encode, Denoise, Refine, Decode };

inline constexpr std::array kStages = {Stage::Encode, Stage::Denoise, Stage::Refine, Stage::Decode};

std::string_view name_of(Stage stage);  ///< "encode", "denoise", "refine", "decode"

}  // namespace kine::dit
