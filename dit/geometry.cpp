#include "dit/geometry.h"

#include "broadcast/policies/policies.h"
#include "dit/families/factored_cost.h"
#include "dit/families/joint_cost.h"
#include "dit/geometry_presets.h"
#include "dit/rank_plan.h"
#include "dit/sampling/schedules.h"
#include "runtime/options.h"
#include "runtime/registry.h"

#include <cmath>

namespace kine::dit {

namespace {

/// Open-Sora's rectified flow: evenly spaced noise levels, shifted towards noise for more pixels and frames. The model
/// sees the timesteps in bfloat16, and the policy their integer part.
std::vector<double> shifted_flow(const Request& request) {
    constexpr double kBasePixels = 512.0 * 512.0;
    const double pixels = static_cast<double>(request.width * request.height) / kBasePixels;
    const auto chunks = static_cast<double>(request.num_frames / 17 * 5);
    const double ratio = std::sqrt(pixels) * std::sqrt(std::max(chunks, 1.0));
    std::vector<double> timesteps;
    for (int64_t step = 0; step < request.steps; ++step) {
        const double level = 1.0 - static_cast<double>(step) / static_cast<double>(request.steps);
        const double t = 1000.0 * ratio * level / (1.0 + (ratio - 1.0) * level);
        timesteps.push_back(std::floor(static_cast<float>(BFloat16(static_cast<float>(t)))));
    }
    return timesteps;
}

std::vector<double> spaced(TimestepSpacing kind, int64_t steps) {
    const std::vector<int64_t> timesteps = spaced_timesteps({.kind = kind, .steps = steps});
    return {timesteps.begin(), timesteps.end()};
}

void check_geometry(const Geometry& geometry, std::string_view where) {
    const auto positive = [&](std::string_view name, int64_t value) {
        check(value > 0, ErrorCode::BadInput, "{}: {} is {}, expected a positive number", where, name, value);
    };
    positive("channels", geometry.channels);
    positive("heads", geometry.heads);
    positive("pairs or joint_blocks", geometry.pairs + geometry.joint_blocks);
    check(geometry.pairs >= 0 && geometry.joint_blocks >= 0 && geometry.pairs * geometry.joint_blocks == 0,
          ErrorCode::BadInput, "{}: {} pairs and {} joint_blocks, expected one of them", where, geometry.pairs,
          geometry.joint_blocks);
    positive("patch_frames", geometry.patch_frames);
    check(geometry.text_tokens >= 0 && geometry.causal_frames >= 0, ErrorCode::BadInput,
          "{}: text_tokens {} and causal_frames {} must not be negative", where, geometry.text_tokens,
          geometry.causal_frames);
    positive("patch", geometry.patch);
    positive("spatial_factor", geometry.spatial_factor);
    positive("frames_in_chunk", geometry.frames_in_chunk);
    positive("latents_in_chunk", geometry.latents_in_chunk);
    check(geometry.channels % geometry.heads == 0, ErrorCode::BadInput, "{}: {} channels in {} heads", where,
          geometry.channels, geometry.heads);
    const bool is_known =
        geometry.schedule == "ddim" || geometry.schedule == "trailing" || geometry.schedule == "shifted_flow";
    check(is_known, ErrorCode::BadInput, "{}: schedule '{}', expected ddim, trailing or shifted_flow", where,
          geometry.schedule);
}

Geometry geometry_from(const Json& json, std::string_view where) {
    Geometry geometry;
    read_options(FieldList(geometry), json, where, {"name", "channels", "heads"});
    check_geometry(geometry, where);
    return geometry;
}

}  // namespace

Request Geometry::resolve(const Request& asked) const {
    Request request = asked;
    const auto fill = [](int64_t& value, int64_t otherwise) { value = value == 0 ? otherwise : value; };
    fill(request.width, width);
    fill(request.height, height);
    fill(request.num_frames, num_frames);
    fill(request.steps, steps);
    if (!request.guidance_scale) request.guidance_scale = guided ? 7.0 : 1.0;
    check(request.steps >= 1 && request.steps <= 1000, ErrorCode::Usage, "steps {}: expected 1 to 1000", request.steps);
    const Shape shape = tokens(request);
    check(shape[1] > 0 && shape[2] > 0, ErrorCode::Usage, "{} x {} with {} frames leaves {} no tokens", request.width,
          request.height, request.num_frames, name);
    return request;
}

Shape Geometry::tokens(const Request& request) const {
    const int64_t side = spatial_factor * patch;  // what does not fill a patch is cut off
    const int64_t patches = (request.height / side) * (request.width / side);
    const int64_t chunked = std::max<int64_t>(request.num_frames / frames_in_chunk, 1) * latents_in_chunk;
    const int64_t frames = causal_frames > 0 ? (request.num_frames - 1) / causal_frames + 1 : chunked;
    return {*request.guidance_scale > 1.0 ? 2 : 1, (frames + patch_frames - 1) / patch_frames, patches, channels};
}

broadcast::Schedule Geometry::timesteps(const Request& request) const {
    if (schedule == "shifted_flow") return {shifted_flow(request)};
    return {spaced(schedule == "trailing" ? TimestepSpacing::Trailing : TimestepSpacing::Leading, request.steps)};
}

TransformerCost Geometry::cost(const Request& request) const {
    if (joint_blocks > 0) {
        return joint_cost({.tokens = tokens(request),
                           .text_tokens = text_tokens,
                           .heads = heads,
                           .blocks = joint_blocks,
                           .element_bytes = size_of(dtype_from_name(dtype)),
                           .patch_pixels = patch_frames * patch * patch,
                           .input_channels = latent_channels,
                           .output_channels = output_channels});
    }
    return factored_cost({.tokens = tokens(request),
                          .heads = heads,
                          .pairs = pairs,
                          .element_bytes = size_of(dtype_from_name(dtype)),
                          .patch_area = patch * patch,
                          .input_channels = latent_channels,
                          .output_channels = output_channels,
                          .cross_in_temporal = cross_in_temporal});
}

broadcast::Plan Geometry::plan(const Request& request) const {
    const broadcast::Schedule when = timesteps(request);
    const broadcast::PabOptions published = broadcast::parse_pab_options({}, pab);
    const auto policy = broadcast::make_policy(request.cache, published, request.cache_options, when);
    const TransformerCost work = cost(request);
    return {*policy, when, work.sites, work.other_multiply_adds, request.cache_budget};
}

parallel::Work Geometry::work(const Request& request, const broadcast::Plan& when) const {
    parallel::Work work = rank_work(tokens(request), cost(request), when);
    work.weight_bytes = parameters * size_of(dtype_from_name(dtype));
    return request.cfg_parallel ? one_branch(work) : work;
}

std::vector<Geometry> geometry_presets() {
    std::vector<Geometry> presets;
    for (const std::string_view text : kGeometryPresets)
        presets.push_back(geometry_from(parse_json(text, "assets/geometries"), "assets/geometries"));
    return presets;
}

Geometry find_geometry(const std::string& name) {
    if (name.ends_with(".json")) return geometry_from(read_json(name), name);
    const std::vector<Geometry> presets = geometry_presets();
    return find_entry(std::span<const Geometry>(presets), "preset", name);
}

}  // namespace kine::dit
