#include "dit/sampling/samplers.h"

#include "dit/sampling/samplers/makers.h"
#include "runtime/io/json.h"

#include <algorithm>

namespace kine::dit {
namespace {

constexpr SamplerRow kSamplers[] = {
    {"ddim", "DDIMScheduler", "denoising diffusion implicit models, first order, eta=1 adds noise", make_ddim,
     ddim_options},
    {"euler_flow", "FlowMatchEulerDiscreteScheduler", "straight steps along a flow model's velocity", make_euler_flow,
     euler_flow_options, SamplingPath::Flow},
    {"rflow", "RFLOW", "rectified flow of Open-Sora, times shifted by size and length", make_rflow, rflow_options,
     SamplingPath::Flow},
    {"dpmpp_2m", "DPMSolverMultistepScheduler", "DPM-Solver++, second order, multistep", make_dpmpp_2m,
     dpmpp_2m_options, SamplingPath::AsStated},
    {"unipc", "UniPCMultistepScheduler", "UniPC, predictor and corrector, second order", make_unipc, unipc_options,
     SamplingPath::AsStated},
    {"cogvideox_ddim", "CogVideoXDDIMScheduler", "DDIM on CogVideoX's shifted schedule", make_cogvideox_ddim,
     cogvideox_options},
    {"cogvideox_dpm", "CogVideoXDPMScheduler", "DPM-Solver++ with new noise, second order, for CogVideoX",
     make_cogvideox_dpm, cogvideox_options},
};

bool knows(const SamplerRow& row, std::string_view key) {
    const std::vector<std::string> keys = row.options();
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool is_flow(const SamplerRow* row, const Json& stored) {
    if (row != nullptr && row->path != SamplingPath::AsStated) return row->path == SamplingPath::Flow;
    return stored.value("prediction_type", Json()) == "flow_prediction" ||
           stored.value("use_flow_sigmas", Json()) == true;
}

}  // namespace

std::span<const SamplerRow> samplers() { return kSamplers; }

const SamplerRow* find_sampler(std::string_view name_or_class) {
    for (const SamplerRow& row : kSamplers)
        if (row.name == name_or_class || row.class_name == name_or_class) return &row;
    return nullptr;
}

std::string known_samplers() {
    std::vector<std::string_view> known;
    for (const SamplerRow& row : kSamplers) {
        known.push_back(row.name);
        known.push_back(row.class_name);
    }
    return fmt::format("{}", fmt::join(known, ", "));
}

Json adapted_settings(const SamplerRow& sampler, const Json& stored, std::string_view where) {
    const Json stated = stored.value("_class_name", Json());
    const SamplerRow* own = stated.is_string() ? find_sampler(stated.get<std::string>()) : nullptr;
    if (own == &sampler) return stored;
    const bool flows = is_flow(own, stored);
    const bool follows = sampler.path == SamplingPath::AsStated || (sampler.path == SamplingPath::Flow) == flows;
    check(follows, ErrorCode::Usage, "sampler '{}' is made for {}, but {} says that the model is one of {}",
          sampler.name, flows ? "diffusion" : "flow matching", where, flows ? "flow matching" : "diffusion");
    Json settings = stored;
    // Words of UniPC that others do not have, and of others that it does not: each then takes its own.
    const Json solver = stored.value("solver_type", Json());
    if (solver.is_string() && solver.get<std::string>().starts_with("bh") != (sampler.name == "unipc"))
        settings.erase("solver_type");
    // A schedule that says nothing of a shift has none, whatever the other sampler would take for granted.
    if (!settings.contains("snr_shift_scale") && knows(sampler, "snr_shift_scale")) settings["snr_shift_scale"] = 1.0;
    if (!flows) return settings;
    const Json shift = stored.contains("flow_shift") ? stored["flow_shift"] : stored.value("shift", Json(1.0));
    settings.update({{"prediction_type", "flow_prediction"}, {"use_flow_sigmas", true}});
    settings.update({{"shift", shift}, {"flow_shift", shift}});
    return settings;
}

const SamplerRow& sampler_row(std::string_view name_or_class, std::string_view where) {
    const SamplerRow* row = find_sampler(name_or_class);
    check(row != nullptr, ErrorCode::Unsupported, "{}: unknown sampler '{}', known are {}", where, name_or_class,
          known_samplers());
    return *row;
}

std::unique_ptr<Sampler> make_sampler(std::string_view name_or_class, const Json& config, std::string_view where,
                                      int64_t steps) {
    return sampler_row(name_or_class, where).make(config, where, steps);
}

}  // namespace kine::dit
