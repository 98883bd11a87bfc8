#include "dit/families/latte/config.h"

#include "runtime/error.h"
#include "runtime/io/json.h"
#include "runtime/options.h"

#include <utility>

namespace kine::dit::latte {

namespace {

/// The JSON keys that this implementation reads, and those whose only accepted value is the published one.
struct Keys {
    Config& config;
    std::string activation_fn = "gelu-approximate";
    std::string norm_type = "ada_norm_single";
    bool norm_elementwise_affine = false;

    template <class Visitor>
    void visit(Visitor& v) {
        v("num_attention_heads", config.num_attention_heads, "heads");
        v("attention_head_dim", config.attention_head_dim, "channels of a head");
        v("in_channels", config.in_channels, "latent channels in");
        v("out_channels", config.out_channels, "latent channels out");
        v("num_layers", config.num_layers, "pairs of spatial and temporal blocks");
        v("caption_channels", config.caption_channels, "width of the text states");
        v("cross_attention_dim", config.cross_attention_dim, "width of the projected text");
        v("patch_size", config.patch_size, "latent pixels of a patch's side");
        v("sample_size", config.sample_size, "latent pixels of the side that positions are stretched to");
        v("video_length", config.video_length, "latent frames of the temporal position table");
        v("norm_eps", config.norm_eps, "epsilon of LayerNorm");
        v("attention_bias", config.attention_bias, "whether query, key and value projections have biases");
        v("activation_fn", activation_fn, "activation of the MLP");
        v("norm_type", norm_type, "kind of norm");
        v("norm_elementwise_affine", norm_elementwise_affine, "whether norms have weights");
    }
};

void check_numbers(const Config& config, std::string_view where) {
    check_sizes(where, {{"num_attention_heads", config.num_attention_heads},
                        {"attention_head_dim", config.attention_head_dim},
                        {"in_channels", config.in_channels},
                        {"out_channels", config.out_channels},
                        {"num_layers", config.num_layers},
                        {"caption_channels", config.caption_channels},
                        {"patch_size", config.patch_size},
                        {"sample_size", config.sample_size},
                        {"video_length", config.video_length},
                        {"cross_attention_dim", config.cross_attention_dim}});
}

void check_only(std::string_view where, std::string_view key, std::string_view value, std::string_view supported) {
    check(value == supported, ErrorCode::Unsupported, "{}: {} is '{}', only '{}' is supported", where, key, value,
          supported);
}

}  // namespace

Config Config::from_json(const Json& json, std::string_view where) {
    Config config;
    Keys keys{config};
    read_options(FieldList(keys), json, where, {"num_attention_heads", "attention_head_dim", "num_layers"});
    check_numbers(config, where);
    check_only(where, "activation_fn", keys.activation_fn, "gelu-approximate");
    check_only(where, "norm_type", keys.norm_type, "ada_norm_single");
    check(!keys.norm_elementwise_affine, ErrorCode::Unsupported,
          "{}: norm_elementwise_affine is true, only false is supported", where);
    check(config.channels() % 4 == 0, ErrorCode::BadInput, "{}: heads {} x head size {} is not a multiple of 4", where,
          config.num_attention_heads, config.attention_head_dim);
    check(config.cross_attention_dim == config.channels(), ErrorCode::BadInput,
          "{}: cross_attention_dim {} is not heads {} x head size {}", where, config.cross_attention_dim,
          config.num_attention_heads, config.attention_head_dim);
    check(config.norm_eps > 0 && config.norm_eps < 1, ErrorCode::BadInput, "{}: norm_eps is {}", where,
          config.norm_eps);
    return config;
}

}  // namespace kine::dit::latte
