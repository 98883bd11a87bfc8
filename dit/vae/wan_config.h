// AutoencoderKLWan as its config.json describes it: Wan 2.1's VAE, and 2.2's with shortcuts and patches of pixels.
#pragma once

#include "runtime/io/json_fwd.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace kine::dit {

struct WanVaeConfig {
    int64_t base_dim = 96;
    std::optional<int64_t> decoder_base_dim;  ///< base_dim if not given
    int64_t z_dim = 16;
    std::vector<int64_t> dim_mult = {1, 2, 4, 4};
    int64_t num_res_blocks = 2;
    std::vector<bool> halves_time = {false, true,
                                     true};  ///< "temperal_downsample" in the files: for each level but the last
    std::vector<double> latents_mean;
    std::vector<double> latents_std;
    bool is_residual = false;
    int64_t in_channels = 3;
    int64_t out_channels = 3;
    std::optional<int64_t> patch_size;

    int64_t levels() const { return static_cast<int64_t>(dim_mult.size()); }
    int64_t patch() const { return patch_size.value_or(1); }
    int64_t decoder_dim() const { return decoder_base_dim.value_or(base_dim); }
    int64_t spatial_factor() const { return (int64_t{1} << (levels() - 1)) * patch(); }
    int64_t temporal_factor() const;
    /// Whether the decoder's level, counted from the latents, doubles frames.
    bool doubles_time(int64_t level) const { return halves_time[static_cast<size_t>(levels() - 2 - level)]; }

    /// Checked: sizes sane, no attention outside the middle (else ErrorCode::Unsupported). `where` names the file.
    static WanVaeConfig from_json(const Json& config, std::string_view where);
};

}  // namespace kine::dit
