#include "dit/sampling/samplers.h"

#include "dit/sampling/samplers/makers.h"

namespace kine::dit {
namespace {

constexpr SamplerRow kSamplers[] = {
    {"ddim", "DDIMScheduler", "denoising diffusion implicit models, first order, eta=1 adds noise", make_ddim,
     ddim_options},
    {"euler_flow", "FlowMatchEulerDiscreteScheduler", "straight steps along a flow model's velocity", make_euler_flow,
     euler_flow_options},
    {"rflow", "RFLOW", "rectified flow of Open-Sora, times shifted by size and length", make_rflow, rflow_options},
    {"dpmpp_2m", "DPMSolverMultistepScheduler", "DPM-Solver++, second order, multistep", make_dpmpp_2m,
     dpmpp_2m_options},
    {"unipc", "UniPCMultistepScheduler", "UniPC, predictor and corrector, second order", make_unipc, unipc_options},
};

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

std::unique_ptr<Sampler> make_sampler(std::string_view name_or_class, const Json& config, std::string_view where,
                                      int64_t steps) {
    const SamplerRow* row = find_sampler(name_or_class);
    check(row != nullptr, ErrorCode::Unsupported, "{}: unknown sampler '{}', known are {}", where, name_or_class,
          known_samplers());
    return row->make(config, where, steps);
}

}  // namespace kine::dit
