#include "dit/vae/open_sora_vae.h"
#include "runtime/io/json.h"
#include "runtime/options.h"

#include <algorithm>
#include <cmath>

namespace kine::dit {

namespace {

constexpr int64_t kMostChannels = 16384;
constexpr int64_t kMostFrames = 1024;
constexpr size_t kMostLevels = 8;
// The pipeline divides by Stable Diffusion's factor, whatever the 2-D VAE's own file says.
constexpr double kSpatialScale = 0.18215;

struct TemporalKeys {
    TemporalVaeConfig& config;

    template <class Visitor>
    void visit(Visitor& v) {
        v("in_out_channels", config.in_out_channels, "latent channels of the 2-D part");
        v("latent_embed_dim", config.latent_embed_dim, "channels that enter the decoder");
        v("embed_dim", config.embed_dim, "latent channels");
        v("filters", config.filters, "channels of the highest level");
        v("num_res_blocks", config.num_res_blocks, "residual blocks of a level");
        v("channel_multipliers", config.channel_multipliers, "channels of each level, in filters");
        v("num_groups", config.num_groups, "groups of every norm");
    }
};

struct Keys {
    OpenSoraVaeConfig& config;

    template <class Visitor>
    void visit(Visitor& v) {
        v("micro_frame_size", config.micro_frame_size, "frames of a group that is decoded on its own");
        v("scale", config.scale, "what latent channels are multiplied by");
        v("shift", config.shift, "what is then added");
    }
};

/// The object under `key`, empty where the file leaves everything to the published sizes; its type must be the known.
Json part_of(const Json& json, std::string_view where, const char* key, std::string_view type) {
    if (!json.contains(key) || json[key].is_null()) return Json::object();
    const Json& part = json[key];
    check(part.is_object(), ErrorCode::BadInput, "{}: {} is {}, expected an object", where, key, part.dump());
    const std::string found = part.contains("type") && part["type"].is_string() ? part["type"].get<std::string>() : "";
    check(found.empty() || found == type, ErrorCode::Unsupported, "{}: {} has the type '{}', known is {}", where, key,
          found, type);
    return part;
}

AutoencoderKlConfig spatial_of(const Json& part, std::string_view where) {
    Json complete = {{"latent_channels", 4}, {"block_out_channels", {128, 256, 512, 512}}, {"layers_per_block", 2}};
    complete.update(part);
    complete["scaling_factor"] = kSpatialScale;
    return AutoencoderKlConfig::from_json(complete, where);
}

std::vector<int64_t> flags_of(const Json& part, std::string_view where, std::vector<int64_t> otherwise) {
    if (!part.contains("temporal_downsample")) return otherwise;
    const Json& flags = part["temporal_downsample"];
    check(flags.is_array() && std::ranges::all_of(flags, [](const Json& flag) { return flag.is_boolean(); }),
          ErrorCode::BadInput, "{}: temporal_downsample is {}, expected a list of true and false", where, flags.dump());
    std::vector<int64_t> result;
    for (const Json& flag : flags) result.push_back(flag.get<bool>() ? 1 : 0);
    return result;
}

void check_temporal(const TemporalVaeConfig& config, std::string_view where) {
    check_size(where, "in_out_channels", config.in_out_channels, kMostChannels);
    check_size(where, "latent_embed_dim", config.latent_embed_dim, kMostChannels);
    check_size(where, "embed_dim", config.embed_dim, kMostChannels);
    check_size(where, "filters", config.filters, kMostChannels);
    check_size(where, "num_res_blocks", config.num_res_blocks, 64);
    check_size(where, "num_groups", config.num_groups, kMostChannels);
    const size_t levels = config.levels();
    check(levels >= 1 && levels <= kMostLevels && config.temporal_downsample.size() + 1 == levels, ErrorCode::BadInput,
          "{}: {} channel_multipliers and {} of temporal_downsample, expected 1 to {} and one less", where, levels,
          config.temporal_downsample.size(), kMostLevels);
    for (size_t level = 0; level < levels; ++level) {
        check_size(where, "channel_multipliers", config.channel_multipliers[level], kMostChannels);
        check_size(where, "channels of a level", config.width(level), kMostChannels);
        check(config.width(level) % config.num_groups == 0, ErrorCode::BadInput,
              "{}: {} channels of a level, which num_groups {} does not divide", where, config.width(level),
              config.num_groups);
    }
}

void check_whole(const OpenSoraVaeConfig& config, std::string_view where) {
    check_size(where, "micro_frame_size", config.micro_frame_size, kMostFrames);
    const auto channels = static_cast<size_t>(config.temporal.embed_dim);
    check(config.scale.size() == channels && config.shift.size() == channels, ErrorCode::BadInput,
          "{}: {} values of scale and {} of shift, expected {}", where, config.scale.size(), config.shift.size(),
          channels);
    check(config.spatial.latent_channels == config.temporal.in_out_channels, ErrorCode::BadInput,
          "{}: the 2-D part has {} latent channels, the temporal part gives {}", where, config.spatial.latent_channels,
          config.temporal.in_out_channels);
}

}  // namespace

int64_t TemporalVaeConfig::temporal_factor() const { return int64_t{1} << std::ranges::count(temporal_downsample, 1); }

int64_t OpenSoraVaeConfig::group_latents() const {
    return (micro_frame_size + temporal.temporal_factor() - 1) / temporal.temporal_factor();
}

int64_t OpenSoraVaeConfig::latent_frames_of(int64_t frames) const {
    const int64_t factor = temporal.temporal_factor();
    return frames / micro_frame_size * group_latents() + (frames % micro_frame_size + factor - 1) / factor;
}

int64_t OpenSoraVaeConfig::frames_of(int64_t latent_frames) const {
    const int64_t rest = latent_frames % group_latents() * temporal.temporal_factor();
    return latent_frames / group_latents() * micro_frame_size + std::min(rest, micro_frame_size);
}

OpenSoraVaeConfig OpenSoraVaeConfig::from_json(const Json& json, std::string_view where) {
    check(json.is_object(), ErrorCode::BadInput, "{}: expected an object", where);
    for (const char* key : {"_class_name", "model_type"}) {
        const std::string known = "VideoAutoencoderPipeline";
        const std::string name = json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : known;
        check(name == known, ErrorCode::Unsupported, "{}: {} is '{}', known is {} (OpenSora-VAE-v1.2)", where, key,
              name, known);
    }
    OpenSoraVaeConfig config;
    Keys keys{config};
    read_options(FieldList(keys), json, where);
    config.spatial = spatial_of(part_of(json, where, "vae_2d", "VideoAutoencoderKL"), where);
    const Json temporal = part_of(json, where, "vae_temporal", "VAE_Temporal_SD");
    TemporalKeys temporal_keys{config.temporal};
    read_options(FieldList(temporal_keys), temporal, where);
    config.temporal.temporal_downsample = flags_of(temporal, where, config.temporal.temporal_downsample);
    check_temporal(config.temporal, where);
    check_whole(config, where);
    return config;
}

}  // namespace kine::dit
