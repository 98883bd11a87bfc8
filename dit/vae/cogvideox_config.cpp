#include "dit/vae/cogvideox_config.h"

#include "runtime/error.h"
#include "runtime/io/json.h"
#include "runtime/options.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kine::dit {

namespace {

constexpr int64_t kMostChannels = 16384;

struct Fields {
    CogVideoXVaeConfig& config;
    int64_t in_channels = 3;
    int64_t out_channels = 3;
    bool use_quant_conv = false;
    bool use_post_quant_conv = false;
    std::string act_fn = "silu";

    void visit(FieldList& v) {
        v("block_out_channels", config.block_out_channels, "channels of each level, at full size first");
        v("latent_channels", config.latent_channels, "channels of the latents");
        v("layers_per_block", config.layers_per_block, "residual blocks of an encoder level");
        v("norm_num_groups", config.norm_num_groups, "groups of the norms");
        v("norm_eps", config.norm_eps, "epsilon of the encoder's norms");
        v("temporal_compression_ratio", config.temporal_compression_ratio, "pictures of a latent frame");
        v("scaling_factor", config.scaling_factor, "latents over those of the VAE");
        v("invert_scale_latents", config.invert_scale_latents, "whether an image's latents are divided by it");
        v("in_channels", in_channels, "channels of an encoded picture");
        v("out_channels", out_channels, "channels of a decoded picture");
        v("use_quant_conv", use_quant_conv, "a convolution behind the encoder");
        v("use_post_quant_conv", use_post_quant_conv, "a convolution in front of the decoder");
        v("act_fn", act_fn, "activation");
    }
};

void check_numbers(const CogVideoXVaeConfig& config, std::string_view where) {
    check_size(where, "levels of block_out_channels", config.levels(), 8);
    check_size(where, "latent_channels", config.latent_channels, kMostChannels);
    check_size(where, "layers_per_block", config.layers_per_block, 64);
    check_size(where, "norm_num_groups", config.norm_num_groups, kMostChannels);
    check_size(where, "temporal_compression_ratio", config.temporal_compression_ratio, config.spatial_factor());
    check(std::has_single_bit(static_cast<uint64_t>(config.temporal_compression_ratio)), ErrorCode::BadInput,
          "{}: temporal_compression_ratio is {}, expected a power of two", where, config.temporal_compression_ratio);
    for (const int64_t channels : config.block_out_channels) {
        check_size(where, "block_out_channels", channels, kMostChannels);
        check(channels % config.norm_num_groups == 0, ErrorCode::BadInput,
              "{}: {} of block_out_channels do not split into norm_num_groups {}", where, channels,
              config.norm_num_groups);
    }
    check(std::isfinite(config.scaling_factor) && std::abs(config.scaling_factor) >= 1e-6, ErrorCode::BadInput,
          "{}: scaling_factor is {}, expected a finite number other than 0", where, config.scaling_factor);
    check(config.norm_eps > 0 && config.norm_eps < 1, ErrorCode::BadInput,
          "{}: norm_eps is {}, expected above 0 and below 1", where, config.norm_eps);
}

void check_kind(const Json& json, const Fields& fields, std::string_view where) {
    const Json name = json.value("_class_name", Json());
    check(name.is_null() || name == "AutoencoderKLCogVideoX", ErrorCode::Unsupported,
          "{}: VAE {} is not supported, known is \"AutoencoderKLCogVideoX\"", where, name.dump());
    check(!fields.use_quant_conv && !fields.use_post_quant_conv, ErrorCode::Unsupported,
          "{}: use_quant_conv is {} and use_post_quant_conv {}, only false is supported", where, fields.use_quant_conv,
          fields.use_post_quant_conv);
    check(fields.act_fn == "silu" || fields.act_fn == "swish", ErrorCode::Unsupported,
          "{}: act_fn is {}, only silu is supported", where, fields.act_fn);
    check(fields.in_channels == 3 && fields.out_channels == 3, ErrorCode::Unsupported,
          "{}: pictures have {} channels in and {} out, only 3 are supported", where, fields.in_channels,
          fields.out_channels);
}

void check_blocks(const Json& json, std::string_view where, const char* key, std::string_view known, int64_t levels) {
    const auto list = json.find(key);
    if (list == json.end()) return;
    check(list->is_array() && static_cast<int64_t>(list->size()) == levels, ErrorCode::BadInput,
          "{}: {} must list {} names, one for each level", where, key, levels);
    for (const Json& name : *list)
        check(name == known, ErrorCode::Unsupported, "{}: {} has {}, known is \"{}\"", where, key, name.dump(), known);
}

}  // namespace

CogVideoXVaeConfig CogVideoXVaeConfig::from_json(const Json& json, std::string_view where) {
    CogVideoXVaeConfig config;
    Fields fields{config};
    read_options(FieldList(fields), json, where, {"block_out_channels", "latent_channels", "scaling_factor"});
    check_kind(json, fields, where);
    check_numbers(config, where);
    check_blocks(json, where, "down_block_types", "CogVideoXDownBlock3D", config.levels());
    check_blocks(json, where, "up_block_types", "CogVideoXUpBlock3D", config.levels());
    return config;
}

}  // namespace kine::dit
