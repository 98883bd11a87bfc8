#include "dit/vae/wan_config.h"

#include "runtime/error.h"
#include "runtime/io/json.h"
#include "runtime/options.h"

#include <algorithm>
#include <cmath>

namespace kine::dit {

namespace {

constexpr int64_t kMostChannels = 16384;

struct Fields {
    WanVaeConfig& config;

    void visit(FieldList& v) {
        v("base_dim", config.base_dim, "channels of the encoder at full size");
        v("decoder_base_dim", config.decoder_base_dim, "channels of the decoder at full size");
        v("z_dim", config.z_dim, "channels of the latents");
        v("dim_mult", config.dim_mult, "channels of each level over those at full size");
        v("num_res_blocks", config.num_res_blocks, "residual blocks of an encoder level; the decoder has one more");
        v("latents_mean", config.latents_mean, "mean of each latent channel");
        v("latents_std", config.latents_std, "standard deviation of each latent channel");
        v("is_residual", config.is_residual, "shortcuts around levels (Wan 2.2)");
        v("in_channels", config.in_channels, "channels of an encoded picture");
        v("out_channels", config.out_channels, "channels of a decoded picture");
        v("patch_size", config.patch_size, "pixels a side that become channels");
    }
};

std::vector<bool> read_halves(const Json& json, std::string_view where, int64_t levels) {
    const auto list = json.find("temperal_downsample");
    const bool is_list = list != json.end() && list->is_array() &&
                         std::ranges::all_of(*list, [](const Json& item) { return item.is_boolean(); });
    check(is_list && static_cast<int64_t>(list->size()) == levels - 1, ErrorCode::BadInput,
          "{}: temperal_downsample must list {} truth values, one for each level but the last", where, levels - 1);
    return list->get<std::vector<bool>>();
}

void check_whitening(const WanVaeConfig& config, std::string_view where) {
    const auto channels = static_cast<size_t>(config.z_dim);
    check(config.latents_mean.size() == channels && config.latents_std.size() == channels, ErrorCode::BadInput,
          "{}: latents_mean and latents_std have {} and {} values, expected z_dim {}", where,
          config.latents_mean.size(), config.latents_std.size(), config.z_dim);
    const bool is_positive = std::ranges::all_of(config.latents_std, [](double deviation) { return deviation > 0; });
    check(is_positive, ErrorCode::BadInput, "{}: latents_std must be positive", where);
}

void check_numbers(const WanVaeConfig& config, std::string_view where) {
    check_size(where, "levels of dim_mult", config.levels(), 8);
    check_size(where, "base_dim", config.base_dim, kMostChannels);
    check_size(where, "decoder_base_dim", config.decoder_dim(), kMostChannels);
    check_size(where, "z_dim", config.z_dim, kMostChannels);
    check_size(where, "num_res_blocks", config.num_res_blocks, 64);
    check_size(where, "patch_size", config.patch(), 8);
    for (const int64_t factor : config.dim_mult) check_size(where, "dim_mult", factor, 64);
    const int64_t colours = 3 * config.patch() * config.patch();
    check(config.in_channels == colours && config.out_channels == colours, ErrorCode::Unsupported,
          "{}: pictures have {} channels in and {} out, known are {}", where, config.in_channels, config.out_channels,
          colours);
}

void check_kind(const Json& json, std::string_view where) {
    const Json name = json.value("_class_name", Json());
    check(name.is_null() || name == "AutoencoderKLWan", ErrorCode::Unsupported,
          "{}: VAE {} is not supported, known is \"AutoencoderKLWan\"", where, name.dump());
    const Json scales = json.value("attn_scales", Json::array());
    check(scales.empty(), ErrorCode::Unsupported, "{}: attn_scales is {}, only [] is supported", where, scales.dump());
}

}  // namespace

int64_t WanVaeConfig::temporal_factor() const {
    return int64_t{1} << std::count(halves_time.begin(), halves_time.end(), true);
}

WanVaeConfig WanVaeConfig::from_json(const Json& json, std::string_view where) {
    WanVaeConfig config;
    Fields fields{config};
    read_options(FieldList(fields), json, where, {"base_dim", "z_dim", "dim_mult", "latents_mean", "latents_std"});
    check_kind(json, where);
    check_numbers(config, where);
    check_whitening(config, where);
    config.halves_time = read_halves(json, where, config.levels());
    return config;
}

}  // namespace kine::dit
