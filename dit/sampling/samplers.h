// The table of samplers.
#pragma once

#include "dit/sampling/sampler.h"
#include "runtime/io/json_fwd.h"
#include "runtime/registry.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kine::dit {

/// The way from noise to video: by diffusion's noise levels, straight along a flow, or whichever the file says.
enum class SamplingPath { Diffusion, Flow, AsStated };

struct SamplerRow {
    std::string_view name;        ///< "ddim", "euler_flow", ...
    std::string_view class_name;  ///< the scheduler class in model directories, e.g. "DDIMScheduler"
    std::string_view summary;
    /// `config` is the scheduler's JSON with the family's and the user's overrides merged in (e.g. "eta", "shift").
    std::unique_ptr<Sampler> (*make)(const Json& config, std::string_view where, int64_t steps);
    std::vector<std::string> (*options)();  ///< the keys that it reads
    SamplingPath path = SamplingPath::Diffusion;
};

std::span<const SamplerRow> samplers();
/// By name or class; nullptr if there is none.
const SamplerRow* find_sampler(std::string_view name_or_class);
/// Names and classes, for messages.
std::string known_samplers();
/// The scheduler's stored settings in the words of another sampler, so that it follows the path that the model was
/// trained for: flow_shift and shift name the same. A sampler that cannot follow it is ErrorCode::Usage.
Json adapted_settings(const SamplerRow& sampler, const Json& stored, std::string_view where);
/// By name, or by the class that a scheduler_config.json names. Unknown: ErrorCode::Unsupported listing the known ones.
const SamplerRow& sampler_row(std::string_view name_or_class, std::string_view where);
std::unique_ptr<Sampler> make_sampler(std::string_view name_or_class, const Json& config, std::string_view where,
                                      int64_t steps);

}  // namespace kine::dit
