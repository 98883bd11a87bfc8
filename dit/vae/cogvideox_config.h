// AutoencoderKLCogVideoX as its config.json describes it.
#pragma once

#include "runtime/io/json_fwd.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace kine::dit {

struct CogVideoXVaeConfig {
    std::vector<int64_t> block_out_channels = {128, 256, 256, 512};
    int64_t latent_channels = 16;
    int64_t layers_per_block = 3;  ///< residual blocks of an encoder level; the decoder has one more
    int64_t norm_num_groups = 32;
    double norm_eps = 1e-6;  ///< of the encoder's residual blocks; the decoder's norms have their own
    int64_t temporal_compression_ratio = 4;
    double scaling_factor = 1.15258426;
    bool invert_scale_latents = false;  ///< an image's latents were divided by the factor in training (1.5)

    int64_t levels() const { return static_cast<int64_t>(block_out_channels.size()); }
    int64_t spatial_factor() const { return int64_t{1} << (levels() - 1); }
    int64_t widest() const { return block_out_channels.back(); }
    /// Of the decoder's level, counted from the latents.
    int64_t width(int64_t level) const { return block_out_channels[static_cast<size_t>(levels() - 1 - level)]; }
    /// Whether the decoder's level, counted from the latents, doubles frames.
    bool doubles_time(int64_t level) const { return (int64_t{2} << level) <= temporal_compression_ratio; }

    /// Checked; what we cannot do is ErrorCode::Unsupported. `where` names the file.
    static CogVideoXVaeConfig from_json(const Json& config, std::string_view where);
};

}  // namespace kine::dit
