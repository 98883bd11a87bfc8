// What CogVideoX's two samplers share: a noise schedule shifted towards noise and rescaled to end in nothing but noise,
// kept in double as the reference keeps it, and steps whose length is counted in training steps.
#pragma once

#include "dit/sampling/prediction.h"
#include "dit/sampling/schedules.h"
#include "runtime/io/json_fwd.h"

namespace kine::dit {

struct CogVideoXOptions {
    BetaOptions betas{.beta_start = 0.00085, .beta_end = 0.012, .beta_schedule = "scaled_linear", .trained_betas = {}};
    SpacingOptions spacing;
    std::string prediction_type = "epsilon";
    bool set_alpha_to_one = true;
    double snr_shift_scale = 3.0;
    double eta = 0.0;

    template <class Visitor>
    void visit(Visitor& v) {
        betas.visit(v);
        spacing.visit(v);
        v("prediction_type", prediction_type, "what the model predicts: epsilon, sample or v_prediction");
        v("set_alpha_to_one", set_alpha_to_one, "the last step ends without noise");
        v("snr_shift_scale", snr_shift_scale, "above 1: more noise at every timestep");
        v("eta", eta, "without effect on this sampler, as in its reference");
    }
};

class CogVideoXSchedule {
  public:
    CogVideoXSchedule(const Json& config, std::string_view where, int64_t steps);

    const std::vector<double>& timesteps() const { return timesteps_; }
    /// Share of the signal's variance at step `index`, and where the step ends.
    double alpha(int index) const { return alphas_[static_cast<size_t>(timestep(index))]; }
    double alpha_after(int index) const;
    /// Whether the step ends before the first training step.
    bool is_final(int index) const { return target(index) < 0; }
    Tensor clean(const Context& context, int index, const Tensor& prediction, const Tensor& latents) const;

  private:
    int64_t timestep(int index) const { return schedule_.at(static_cast<size_t>(index)); }
    /// Counted from the timestep itself: not the next one of the schedule unless the steps divide the training.
    int64_t target(int index) const { return timestep(index) - stride_; }

    PredictionType type_;
    bool ends_clean_;
    std::vector<double> alphas_;
    std::vector<int64_t> schedule_;
    std::vector<double> timesteps_;
    int64_t stride_;
};

}  // namespace kine::dit
