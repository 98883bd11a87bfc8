// STDiT3 as its config.json describes it.
#pragma once

#include "runtime/io/json_fwd.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace kine::dit::open_sora {

struct Config {
    int64_t depth = 28;
    int64_t hidden_size = 1152;
    int64_t num_heads = 16;
    double mlp_ratio = 4.0;
    int64_t in_channels = 4;
    std::vector<int64_t> patch_size = {1, 2, 2};
    int64_t input_sq_size = 512;
    int64_t caption_channels = 4096;
    int64_t model_max_length = 300;
    bool pred_sigma = true;
    bool qk_norm = true;

    int64_t head_size() const { return hidden_size / num_heads; }
    int64_t patch() const { return patch_size.back(); }
    int64_t out_channels() const { return pred_sigma ? 2 * in_channels : in_channels; }
    int64_t mlp_channels() const { return static_cast<int64_t>(static_cast<double>(hidden_size) * mlp_ratio); }

    /// Checked. Another version of STDiT is ErrorCode::Unsupported and named. `where` names the file.
    static Config from_json(const Json& json, std::string_view where);
};

}  // namespace kine::dit::open_sora
