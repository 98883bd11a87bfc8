// CogVideoX's transformer as its config.json describes it.
#pragma once

#include "runtime/io/json_fwd.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace kine::dit::cogvideox {

inline constexpr int64_t kTextLength = 226;  ///< tokens, padding too: all are attended

struct Config {
    int64_t num_attention_heads = 30;
    int64_t attention_head_dim = 64;
    int64_t in_channels = 16;
    int64_t out_channels = 16;
    int64_t time_embed_dim = 512;
    std::optional<int64_t> ofs_embed_dim;  ///< a second clock, always at 2 (1.5, image to video)
    int64_t text_embed_dim = 4096;
    int64_t num_layers = 30;
    int64_t sample_width = 90;  ///< latent pixels
    int64_t sample_height = 60;
    int64_t sample_frames = 49;  ///< pictures
    int64_t patch_size = 2;
    std::optional<int64_t> patch_size_t;  ///< frames of a patch (1.5)
    int64_t temporal_compression_ratio = 4;
    double norm_eps = 1e-5;
    bool attention_bias = true;
    bool patch_bias = true;
    double spatial_interpolation_scale = 1.875;
    double temporal_interpolation_scale = 1.0;
    bool use_rotary_positional_embeddings = false;
    bool use_learned_positional_embeddings = false;

    int64_t channels() const { return num_attention_heads * attention_head_dim; }
    int64_t patch_frames() const { return patch_size_t.value_or(1); }
    /// An image's latents stand beside the noisy ones.
    bool takes_image() const { return in_channels == 2 * out_channels; }
    /// Of the video for which a learned position table was made.
    int64_t sample_latents() const { return (sample_frames - 1) / temporal_compression_ratio + 1; }

    /// Checked; what we cannot do is ErrorCode::Unsupported. `where` names the file.
    static Config from_json(const Json& json, std::string_view where);
};

}  // namespace kine::dit::cogvideox
