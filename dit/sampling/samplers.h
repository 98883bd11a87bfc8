// The table of samplers.
#pragma once

#include "dit/sampling/sampler.h"
#include "runtime/registry.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kine::dit {

struct SamplerRow {
    std::string_view name;        ///< "ddim", "euler_flow", ...
    std::string_view class_name;  ///< the scheduler class in model directories, e.g. "DDIMScheduler"
    std::string_view summary;
    /// `config` is the scheduler's JSON with the family's and the user's overrides merged in (e.g. "eta", "shift").
    std::unique_ptr<Sampler> (*make)(const Json& config, std::string_view where, int64_t steps);
    std::vector<std::string> (*options)();  ///< the keys that it reads
};

std::span<const SamplerRow> samplers();
/// By name or class; nullptr if there is none.
const SamplerRow* find_sampler(std::string_view name_or_class);
/// Names and classes, for messages.
std::string known_samplers();
/// By name, or by the class that a scheduler_config.json names. Unknown: ErrorCode::Unsupported listing the known ones.
std::unique_ptr<Sampler> make_sampler(std::string_view name_or_class, const Json& config, std::string_view where,
                                      int64_t steps);

}  // namespace kine::dit
