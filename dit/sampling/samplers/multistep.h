// What the multistep solvers share: a schedule of noise levels, and the logarithmic signal-to-noise ratio on which
// their steps are polynomials.
#pragma once

#include "dit/sampling/prediction.h"
#include "dit/sampling/schedules.h"

namespace kine::dit {

struct MultistepOptions {
    BetaOptions betas;
    SpacingOptions spacing{.timestep_spacing = "linspace"};
    ThresholdOptions threshold;
    std::string prediction_type = "epsilon";
    int64_t solver_order = 2;
    bool lower_order_final = true;
    std::string final_sigmas_type = "zero";
    bool use_karras_sigmas = false;
    bool use_flow_sigmas = false;
    double flow_shift = 1.0;

    template <class Visitor>
    void visit(Visitor& v) {
        betas.visit(v);
        spacing.visit(v);
        threshold.visit(v);
        v("prediction_type", prediction_type, "epsilon, sample, v_prediction or flow_prediction");
        v("solver_order", solver_order, "1 or 2");
        v("lower_order_final", lower_order_final, "end with a step of first order, for stability");
        v("final_sigmas_type", final_sigmas_type, "noise left at the end: zero or sigma_min");
        v("use_karras_sigmas", use_karras_sigmas, "noise levels of Karras et al. 2022");
        v("use_flow_sigmas", use_flow_sigmas, "noise levels of a flow model");
        v("flow_shift", flow_shift, "with use_flow_sigmas, above 1: more steps at high noise");
    }
};

/// Throws ErrorCode::BadInput or Unsupported naming `where`.
void check_multistep(const MultistepOptions& options, std::string_view where);

struct MultistepSchedule {
    std::vector<double> timesteps;  // n, whole numbers
    std::vector<double> sigmas;     // n + 1, float32 values
    bool is_flow = false;
    PredictionType prediction = PredictionType::Epsilon;

    size_t steps() const { return timesteps.size(); }
    /// latents = alpha * clean + sigma * noise.
    NoiseLevel level(size_t index) const;
    /// ln(alpha / sigma), infinite where no noise is left.
    float log_snr(size_t index) const;
    bool ends_clean(size_t index) const { return sigmas[index + 1] == 0.0; }
};

/// The two reference schedulers differ: with flow sigmas only UniPC starts at pure noise, and only DPM-Solver leaves
/// the timesteps of Karras levels between training steps where the schedule is a cosine.
enum class Solver { DpmSolver, UniPc };
MultistepSchedule make_multistep_schedule(const MultistepOptions& options, std::string_view where, int64_t steps,
                                          Solver solver);

}  // namespace kine::dit
