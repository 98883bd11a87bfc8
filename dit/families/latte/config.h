// Latte's transformer as its config.json describes it.
#pragma once

#include "runtime/io/json_fwd.h"

#include <cstdint>
#include <string_view>

namespace kine::dit::latte {

struct Config {
    int64_t num_attention_heads = 16;
    int64_t attention_head_dim = 72;
    int64_t in_channels = 4;
    int64_t out_channels = 8;
    int64_t num_layers = 28;
    int64_t caption_channels = 4096;
    int64_t cross_attention_dim = 1152;
    int64_t patch_size = 2;
    int64_t sample_size = 64;
    int64_t video_length = 16;
    double norm_eps = 1e-6;
    bool attention_bias = true;

    int64_t channels() const { return num_attention_heads * attention_head_dim; }

    /// Checked; what we cannot do (another norm type or activation) is ErrorCode::Unsupported. `where` names the file.
    static Config from_json(const Json& json, std::string_view where);
};

}  // namespace kine::dit::latte
