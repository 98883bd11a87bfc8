#include "dit/families/cogvideox/config.h"

#include "dit/families/components.h"
#include "dit/sampling/scheduler_config.h"
#include "runtime/error.h"
#include "runtime/options.h"

namespace kine::dit::cogvideox {

namespace {

/// The keys that we read, with those that only say what kind of model this is.
struct Keys {
    Config& config;
    int64_t max_text_seq_length = kTextLength;

    template <class Visitor>
    void visit(Visitor& v) {
        v("num_attention_heads", config.num_attention_heads, "attention heads");
        v("attention_head_dim", config.attention_head_dim, "size of a head");
        v("in_channels", config.in_channels, "latent channels in");
        v("out_channels", config.out_channels, "latent channels out");
        v("time_embed_dim", config.time_embed_dim, "width of the embedded timestep");
        v("ofs_embed_dim", config.ofs_embed_dim, "width of the second clock");
        v("text_embed_dim", config.text_embed_dim, "width of the text states");
        v("num_layers", config.num_layers, "blocks");
        v("sample_width", config.sample_width, "latent pixels of the usual video");
        v("sample_height", config.sample_height, "latent pixels of the usual video");
        v("sample_frames", config.sample_frames, "pictures of the usual video");
        v("patch_size", config.patch_size, "rows and columns of a patch");
        v("patch_size_t", config.patch_size_t, "frames of a patch");
        v("temporal_compression_ratio", config.temporal_compression_ratio, "pictures of a latent frame");
        v("norm_eps", config.norm_eps, "epsilon of the norms");
        v("attention_bias", config.attention_bias, "whether queries, keys and values have a bias");
        v("patch_bias", config.patch_bias, "whether patches of one frame have a bias");
        v("spatial_interpolation_scale", config.spatial_interpolation_scale, "divides row and column");
        v("temporal_interpolation_scale", config.temporal_interpolation_scale, "divides the frame");
        v("use_rotary_positional_embeddings", config.use_rotary_positional_embeddings, "rotary positions");
        v("use_learned_positional_embeddings", config.use_learned_positional_embeddings, "a table in the file");
        v("max_text_seq_length", max_text_seq_length, "text rows before the positions of the video");
    }
};

void check_numbers(const Config& config, std::string_view where) {
    check_sizes(where, {{"num_attention_heads", config.num_attention_heads},
                        {"attention_head_dim", config.attention_head_dim},
                        {"in_channels", config.in_channels},
                        {"out_channels", config.out_channels},
                        {"time_embed_dim", config.time_embed_dim},
                        {"ofs_embed_dim", config.ofs_embed_dim.value_or(1)},
                        {"text_embed_dim", config.text_embed_dim},
                        {"num_layers", config.num_layers},
                        {"sample_width", config.sample_width},
                        {"sample_height", config.sample_height},
                        {"sample_frames", config.sample_frames},
                        {"temporal_compression_ratio", config.temporal_compression_ratio}});
    check_size(where, "patch_size", config.patch_size, 16);
    check_size(where, "patch_size_t", config.patch_frames(), 16);
    check_range(where, "norm_eps", config.norm_eps, 1e-12, 1.0);
    check_range(where, "spatial_interpolation_scale", config.spatial_interpolation_scale, 1e-3, 1e3);
    check_range(where, "temporal_interpolation_scale", config.temporal_interpolation_scale, 1e-3, 1e3);
}

void check_widths(const Config& config, std::string_view where) {
    const bool rotary = config.use_rotary_positional_embeddings;
    const int64_t cut = rotary ? config.attention_head_dim : config.channels();
    check(cut % 16 == 0, ErrorCode::BadInput, "{}: {} is {}, expected a multiple of 16, to be shared out by positions",
          where, rotary ? "attention_head_dim" : "the width of a token", cut);
    check(config.channels() % 2 == 0, ErrorCode::BadInput, "{}: the width of a token is {}, expected an even number",
          where, config.channels());
    check(config.in_channels == config.out_channels || config.takes_image(), ErrorCode::Unsupported,
          "{}: in_channels is {}, known are out_channels {} and, with an image, twice as many", where,
          config.in_channels, config.out_channels);
    check(!config.ofs_embed_dim || (*config.ofs_embed_dim == config.time_embed_dim && *config.ofs_embed_dim % 2 == 0),
          ErrorCode::BadInput, "{}: ofs_embed_dim is {}, expected an even number equal to time_embed_dim {}", where,
          config.ofs_embed_dim.value_or(0), config.time_embed_dim);
    check(!config.ofs_embed_dim || config.takes_image(), ErrorCode::Unsupported,
          "{}: ofs_embed_dim without an image's channels is not supported", where);
}

void check_positions(const Keys& keys, std::string_view where) {
    const Config& config = keys.config;
    const bool rotary = config.use_rotary_positional_embeddings, learned = config.use_learned_positional_embeddings;
    check(rotary || !learned, ErrorCode::Unsupported,
          "{}: use_learned_positional_embeddings without use_rotary_positional_embeddings is not supported", where);
    check(!config.patch_size_t || (rotary && !learned), ErrorCode::Unsupported,
          "{}: patch_size_t is {}, with it only rotary positions are supported", where, config.patch_frames());
    check((rotary && !learned) || keys.max_text_seq_length == kTextLength, ErrorCode::Unsupported,
          "{}: max_text_seq_length is {}, with positions that are added only {} is supported", where,
          keys.max_text_seq_length, kTextLength);
}

void check_class(const Json& json, std::string_view where) {
    const std::string name = text_of(json, "_class_name", where);
    check(name.empty() || name == "CogVideoXTransformer3DModel", ErrorCode::Unsupported,
          "{}: transformer '{}' is not supported, known is CogVideoXTransformer3DModel", where, name);
}

}  // namespace

Config Config::from_json(const Json& json, std::string_view where) {
    Config config;
    Keys keys{config};
    read_options(FieldList(keys), json, where, {"num_attention_heads", "attention_head_dim", "num_layers"});
    check_class(json, where);
    check_numbers(config, where);
    check_widths(config, where);
    check_positions(keys, where);
    check_lacked(json, where,
                 {{"activation_fn", "gelu-approximate"},
                  {"timestep_activation_fn", "silu"},
                  {"flip_sin_to_cos", true},
                  {"freq_shift", 0},
                  {"norm_elementwise_affine", true}});
    return config;
}

}  // namespace kine::dit::cogvideox
