#include "dit/vae/autoencoder_kl.h"
#include "runtime/io/json.h"
#include "runtime/options.h"

#include <cmath>

namespace kine::dit {

namespace {

constexpr size_t kMostLevels = 8;
constexpr int64_t kMostChannels = 16384;
constexpr int64_t kMostLayers = 64;

void check_text(const Json& config, std::string_view where, const char* name, std::string_view expected) {
    if (!config.contains(name) || config[name].is_null()) return;
    const bool same = config[name].is_string() && config[name].get_ref<const std::string&>() == expected;
    check(same, ErrorCode::Unsupported, "{}: {} is {}, known is \"{}\"", where, name, config[name].dump(), expected);
}

/// Block types are a list with one and the same name for each level.
void check_block_types(const Json& config, std::string_view where, const char* name, std::string_view expected) {
    if (!config.contains(name) || config[name].is_null()) return;
    const Json& types = config[name];
    const size_t levels = config["block_out_channels"].size();
    check(types.is_array() && types.size() == levels, ErrorCode::BadInput,
          "{}: {} must list one type for each of {} levels, came {}", where, name, levels, types.dump());
    for (const Json& type : types) {
        const bool same = type.is_string() && type.get_ref<const std::string&>() == expected;
        check(same, ErrorCode::Unsupported, "{}: {} holds {}, known is \"{}\"", where, name, type.dump(), expected);
    }
}

/// Whitening of the latents by channel, which AutoencoderKL files declare but none of the models we know uses.
void check_absent(const Json& config, std::string_view where, const char* name) {
    const bool absent = !config.contains(name) || config[name].is_null();
    check(absent, ErrorCode::Unsupported, "{}: {} is given, known is null", where, name);
}

void check_levels(const AutoencoderKlConfig& config, std::string_view where) {
    const size_t levels = config.block_out_channels.size();
    check(levels >= 1 && levels <= kMostLevels, ErrorCode::BadInput,
          "{}: block_out_channels must list 1 to {} levels, came {}", where, kMostLevels, levels);
    for (const int64_t channels : config.block_out_channels) {
        check_size(where, "block_out_channels", channels, kMostChannels);
        check(channels % config.norm_num_groups == 0, ErrorCode::BadInput,
              "{}: block_out_channels holds {}, which norm_num_groups {} does not divide", where, channels,
              config.norm_num_groups);
    }
}

void check_numbers(const AutoencoderKlConfig& config, std::string_view where) {
    check_size(where, "latent_channels", config.latent_channels, kMostChannels);
    check_size(where, "layers_per_block", config.layers_per_block, kMostLayers);
    check_size(where, "norm_num_groups", config.norm_num_groups, kMostChannels);
    check(config.in_channels == 3 && config.out_channels == 3, ErrorCode::Unsupported,
          "{}: pictures have {} channels in and {} out, known are 3", where, config.in_channels, config.out_channels);
    check(std::isfinite(config.scaling_factor) && config.scaling_factor != 0, ErrorCode::BadInput,
          "{}: scaling_factor must be finite and not 0, came {}", where, config.scaling_factor);
    check(std::isfinite(config.shift_factor), ErrorCode::BadInput, "{}: shift_factor must be finite, came {}", where,
          config.shift_factor);
}

}  // namespace

AutoencoderKlConfig AutoencoderKlConfig::from_json(const Json& config, std::string_view where) {
    AutoencoderKlConfig result;
    read_options(FieldList(result), config, where, {"block_out_channels", "latent_channels", "layers_per_block"});
    check_numbers(result, where);
    check_levels(result, where);
    check_text(config, where, "_class_name", "AutoencoderKL");
    check_text(config, where, "act_fn", "silu");
    check_block_types(config, where, "down_block_types", "DownEncoderBlock2D");
    check_block_types(config, where, "up_block_types", "UpDecoderBlock2D");
    check_absent(config, where, "latents_mean");
    check_absent(config, where, "latents_std");
    return result;
}

}  // namespace kine::dit
