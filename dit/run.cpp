#include "dit/run.h"

#include "broadcast/policies/policies.h"
#include "broadcast/policies/qualities.h"
#include "dit/families/first_picture.h"
#include "dit/rank_plan.h"
#include "dit/sampling/samplers.h"
#include "dit/shared_decode.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "runtime/frame/limits.h"
#include "runtime/io/json.h"
#include "runtime/options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace kine::dit {

namespace {

/// A sampler option's text as the JSON value that a scheduler file would hold.
Json option_value(std::string_view text) {
    if (text == "true" || text == "false") return text == "true";
    int64_t integer = 0;
    const char* end = text.data() + text.size();
    if (const auto [at, error] = std::from_chars(text.data(), end, integer); error == std::errc() && at == end)
        return integer;
    double number = 0;
    if (const auto [at, error] = std::from_chars(text.data(), end, number); error == std::errc() && at == end)
        return number;
    return std::string(text);
}

/// "a=1,b=text" over a scheduler's JSON. Keys that the sampler does not read are refused: here nobody else reads them.
void merge_options(Json& config, std::string_view options, const SamplerRow& sampler) {
    const std::vector<std::string> known = sampler.options();
    while (!options.empty()) {
        const size_t comma = options.find(',');
        const std::string_view item = options.substr(0, comma);
        const size_t equals = item.find('=');
        check(equals != std::string_view::npos && equals > 0, ErrorCode::Usage,
              "sampler option '{}': expected key=value", item);
        const std::string key(item.substr(0, equals));
        check(std::find(known.begin(), known.end(), key) != known.end(), ErrorCode::Usage,
              "sampler option '{}': {} knows {}", key, sampler.name, fmt::join(known, ", "));
        config[key] = option_value(item.substr(equals + 1));
        options = comma == std::string_view::npos ? std::string_view() : options.substr(comma + 1);
    }
}

/// The file was good without the user's options, so what is wrong now is theirs.
std::unique_ptr<Sampler> make_with_options(const SamplerRow& row, Json config, const Request& request) {
    merge_options(config, request.sampler_options, row);
    try {
        return row.make(config, "sampler options", request.steps);
    } catch (const Error& error) {
        fail(ErrorCode::Usage, "{} (given '{}')", error.what(), request.sampler_options);
    }
}

void check_latents(const Model& model, const Request& request) {
    if (!request.latents) return;
    const Shape expected = model.latent_shape(request);
    check(request.latents.shape() == expected, ErrorCode::Usage,
          "latents have the shape {}, {} x {} with {} frames needs {}", to_string(request.latents.shape()),
          request.width, request.height, request.num_frames, to_string(expected));
    check(request.latents.dtype() == DType::Float32, ErrorCode::Usage, "latents are {}, expected f32",
          name_of(request.latents.dtype()));
}

constexpr int64_t kMostRanks = 1024;

void check_numbers(const Request& request) {
    constexpr int64_t kMostSteps = 1000;
    check(request.steps >= 1 && request.steps <= kMostSteps, ErrorCode::Usage, "steps {}: expected 1 to {}",
          request.steps, kMostSteps);
    constexpr double kLargestGuidance = 1000.0;
    check(std::isfinite(*request.guidance_scale) && std::abs(*request.guidance_scale) <= kLargestGuidance,
          ErrorCode::Usage, "guidance_scale {}: expected a finite number of at most {}", *request.guidance_scale,
          kLargestGuidance);
    const double second = request.guidance_scale_2.value_or(0.0);
    check(std::isfinite(second) && std::abs(second) <= kLargestGuidance, ErrorCode::Usage,
          "guidance_scale_2 {}: expected a finite number of at most {}", second, kLargestGuidance);
    check(request.decode_chunk >= 0 && request.vae_tile >= 0 && request.cache_budget >= 0, ErrorCode::Usage,
          "decode_chunk {}, vae_tile {} and cache_budget {} must not be negative", request.decode_chunk,
          request.vae_tile, request.cache_budget);
    check(request.vae_tile_overlap >= 0 && request.vae_tile_overlap <= 0.5, ErrorCode::Usage,
          "vae_tile_overlap {}: expected 0 to 0.5", request.vae_tile_overlap);
    check(request.ranks >= 1 && request.ranks <= kMostRanks, ErrorCode::Usage, "ranks {}: expected 1 to {}",
          request.ranks, kMostRanks);
}

/// Remembers what was drawn.
class NoiseLog final : public Noise {
  public:
    NoiseLog(Noise& noise, std::vector<Shape>& drawn) : noise_(noise), drawn_(drawn) {}

    Tensor normal(const Context& context, const Shape& shape) override {
        drawn_.push_back(shape);
        return noise_.normal(context, shape);
    }

  private:
    Noise& noise_;
    std::vector<Shape>& drawn_;
};

/// Latents are [C, T, Y, X] here, and drawn as [T, C, Y, X].
class FramesFirstNoise final : public Noise {
  public:
    explicit FramesFirstNoise(std::unique_ptr<Noise> noise) : noise_(std::move(noise)) {}

    Tensor normal(const Context& context, const Shape& shape) override {
        const Tensor drawn = noise_->normal(context, {shape[1], shape[0], shape[2], shape[3]});
        return kernels::contiguous(context, drawn.transpose(0, 1));
    }

  private:
    std::unique_ptr<Noise> noise_;
};

/// How many neighbours form a group; 0 for strategies that know none.
int group_of(const Model& model, const Request& request, int ranks) {
    check(request.group_size >= 0 && (request.group_size == 0 || ranks % request.group_size == 0), ErrorCode::Usage,
          "group_size {}: expected a divisor of the {} ranks of a sequence", request.group_size, ranks);
    if (request.parallel == "auto" || !parallel::find_strategy(request.parallel).is_grouped) return 0;
    if (request.group_size > 0) return static_cast<int>(request.group_size);
    return parallel::default_group(ranks, model.transformer->cost(model.latent_shape(request), 1).heads);
}

int64_t ranks_that_decode(const Model& model, const Request& request) {
    const Pieces pieces = model.decoder->pieces(model.latent_shape(request), decode_options(request));
    const int64_t most = std::min(request.ranks, pieces.most_makers());
    if (request.decode_ranks == 0) return most;
    check(0 < request.decode_ranks && request.decode_ranks <= most, ErrorCode::Usage,
          "decode_ranks {}: expected 1 to {}, since {}", request.decode_ranks, most,
          most == request.ranks ? "there are no more ranks" : limit_of(pieces));
    return request.decode_ranks;
}

/// One rank needs no strategy, and nothing to choose by.
void choose_ranks(const Model& model, Request& request) {
    if (request.ranks == 1) {
        if (request.parallel == "auto") request.parallel = "none";
        request.cfg_parallel_auto = false;
        return;
    }
    Request together = request;
    together.cfg_parallel = false;
    const broadcast::Plan plan = make_run_plan(model, together, *make_run_sampler(model, together));
    choose_ranks(request, rank_work(model, together, plan));
}

}  // namespace

Request resolve_request(const Model& model, const Request& asked) {
    const FamilyDefaults& defaults = model.defaults;
    Request request = asked;
    const auto fill = [](int64_t& value, int64_t otherwise) { value = value == 0 ? otherwise : value; };
    fill(request.width, defaults.width);
    fill(request.height, defaults.height);
    fill(request.num_frames, defaults.num_frames);
    fill(request.steps, defaults.steps);
    if (request.fps.empty()) request.fps = defaults.fps;
    if (!request.guidance_scale && !request.guidance_scale_2) request.guidance_scale_2 = defaults.guidance_scale_2;
    if (!request.guidance_scale) request.guidance_scale = defaults.guidance_scale;
    check_numbers(request);
    request.cache = broadcast::policy_for(request.cache_quality, request.cache);
    check(!request.dynamic_guidance || model.has_dynamic_guidance, ErrorCode::Usage,
          "dynamic_guidance: {} models have no guidance that changes from step to step", model.family);
    check(!asked.guidance_scale_2 || model.has_second_guidance, ErrorCode::Usage,
          "guidance_scale_2: this {} model has no second expert", model.family);
    check(request.prompt_options.empty() || model.has_prompt_options, ErrorCode::Usage,
          "prompt_options '{}': {} models know none", request.prompt_options, model.family);
    model.check_geometry(request);
    model.fit_geometry(request);
    check(request.width * request.height <= kMostPixels, ErrorCode::Usage,
          "width {} x height {}: expected at most {} pixels", request.width, request.height, kMostPixels);
    parallel::find_cluster(request.cluster);  // a wrong name is told even where no rates are asked for
    check_latents(model, request);
    check_image_size(request);
    parse_rate(request.fps);
    noise_from_name(request.rng);
    mesh_shape(model, request);  // refuses branches that cannot part
    if (request.parallel == "auto" || request.cfg_parallel_auto) choose_ranks(model, request);
    request.decode_ranks = ranks_that_decode(model, request);
    return request;
}

DecodeOptions decode_options(const Request& request) {
    return {.chunk = request.decode_chunk,
            .tile = request.vae_tile,
            .tile_overlap = request.vae_tile_overlap,
            .frames = request.num_frames};
}

std::unique_ptr<Sampler> make_run_sampler(const Model& model, const Request& request) {
    check(request.sampler.empty() || find_sampler(request.sampler) != nullptr, ErrorCode::Usage,
          "sampler '{}': expected one of {}", request.sampler, known_samplers());
    const Json stored = model.scheduler_for(request);
    const std::string name = request.sampler.empty() ? stored.value("_class_name", "") : request.sampler;
    const SamplerRow& row = sampler_row(name, model.scheduler_file);
    const Json settings = adapted_settings(row, stored, model.scheduler_file);
    auto sampler = row.make(settings, model.scheduler_file, request.steps);
    if (request.sampler_options.empty()) return sampler;
    return make_with_options(row, settings, request);
}

Conditioning make_conditioning(const Context& context, const Model& model, const Request& request, Noise& noise) {
    Conditioning conditioning = model.text->encode(context, request, model.is_guided(request));
    NoiseLog log(noise, conditioning.drawn);
    conditioning.first_latents = model.encode_image(context, request, log);
    return conditioning;
}

std::unique_ptr<Noise> in_order_of(const Model& model, std::unique_ptr<Noise> noise) {
    if (!model.frames_first) return noise;
    return std::make_unique<FramesFirstNoise>(std::move(noise));
}

std::unique_ptr<Noise> make_run_noise(const Model& model, const Request& request) {
    return in_order_of(model, make_noise(noise_from_name(request.rng), request.seed));
}

broadcast::Plan make_run_plan(const Model& model, const Request& request, const Sampler& sampler) {
    const broadcast::Schedule schedule = model.reuse_schedule(sampler.timesteps());
    const auto pab = broadcast::at_quality(model.pab_for(sampler.timesteps()), request.cache_quality);
    const TransformerCost cost = model.transformer->cost(model.latent_shape(request), model.is_guided(request) ? 2 : 1);
    const auto policy = broadcast::make_policy(request.cache, pab, request.cache_options, schedule);
    return broadcast::Plan(*policy, schedule, cost.sites, cost.other_multiply_adds, request.cache_budget);
}

parallel::MeshShape mesh_shape(const Model& model, const Request& request) {
    const auto ranks = static_cast<int>(request.ranks);
    parallel::MeshShape shape{.sequence = ranks};
    if (request.cfg_parallel) {
        check(
            model.is_guided(request) && ranks % 2 == 0, ErrorCode::Usage,
            "cfg_parallel: expected guidance above 1 and an even number of ranks, came guidance_scale {} and {} ranks",
            *request.guidance_scale, ranks);
        shape = {.branches = 2, .sequence = ranks / 2};
    }
    shape.group = group_of(model, request, shape.sequence);
    return shape;
}

int64_t branches_of_pass(const Model& model, const Request& request) {
    return model.is_guided(request) && !request.sequential_guidance ? 2 : 1;
}

}  // namespace kine::dit
