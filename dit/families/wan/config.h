// Wan's transformer and pipeline as their config.json and model_index.json describe them.
#pragma once

#include "runtime/io/json_fwd.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace kine::dit::wan {

struct Config {
    int64_t num_attention_heads = 40;
    int64_t attention_head_dim = 128;
    int64_t in_channels = 16;
    int64_t out_channels = 16;
    int64_t text_dim = 4096;
    int64_t freq_dim = 256;
    int64_t ffn_dim = 13824;
    int64_t num_layers = 40;
    int64_t rope_max_seq_len = 1024;
    int64_t patch_size = 2;  ///< rows and columns; one frame
    double eps = 1e-6;

    int64_t channels() const { return num_attention_heads * attention_head_dim; }
    /// Two experts share one run: they differ in weights, not in shape.
    bool operator==(const Config&) const = default;

    /// Checked; what we cannot do (image rows, another norm) is ErrorCode::Unsupported. `where` names the file.
    static Config from_json(const Json& json, std::string_view where);
};

struct PipelineConfig {
    std::optional<double> boundary_ratio;  ///< with two experts: share of the training steps that the second serves
    bool expand_timesteps = false;         ///< a timestep for each token, so that a given first frame counts as clean
    bool has_second_expert = false;

    static PipelineConfig from_json(const Json& json, std::string_view where);
};

}  // namespace kine::dit::wan
