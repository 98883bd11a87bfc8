// Denoising diffusion implicit models (Song et al. 2021, arXiv 2010.02502): from the clean latents that a prediction
// implies straight to a lower noise level; with eta > 0 part of the noise is drawn anew.
#include "dit/sampling/prediction.h"
#include "dit/sampling/samplers/makers.h"
#include "dit/sampling/scheduler_config.h"
#include "dit/sampling/schedules.h"
#include "kernels/elementwise/elementwise.h"
#include "runtime/options.h"

#include <algorithm>
#include <cmath>

namespace kine::dit {
namespace {

struct DdimOptions {
    BetaOptions betas;
    SpacingOptions spacing;
    ThresholdOptions threshold;
    std::string prediction_type = "epsilon";
    bool clip_sample = true;
    double clip_sample_range = 1.0;
    bool set_alpha_to_one = true;
    double eta = 0.0;

    template <class Visitor>
    void visit(Visitor& v) {
        betas.visit(v);
        spacing.visit(v);
        threshold.visit(v);
        v("prediction_type", prediction_type, "what the model predicts: epsilon, sample or v_prediction");
        v("clip_sample", clip_sample, "clamp the clean latents");
        v("clip_sample_range", clip_sample_range, "largest magnitude of clamped latents");
        v("set_alpha_to_one", set_alpha_to_one, "the last step ends without noise");
        v("eta", eta, "share of the noise drawn anew, 0 for none, 1 as in DDPM");
    }
};

class Ddim final : public Sampler {
  public:
    Ddim(const DdimOptions& options, std::string_view where, int64_t steps);

    const std::vector<double>& timesteps() const override { return timesteps_; }
    const std::vector<double>& sigmas() const override { return no_sigmas_; }
    Tensor step(const Context& context, int index, const Tensor& prediction, const Tensor& latents,
                Noise& noise) override;

  private:
    void check_schedule(std::string_view where) const;
    float alpha_before(int64_t timestep) const;
    float redrawn_deviation(float alpha, float alpha_next) const;
    Tensor bounded(const Context& context, Tensor clean) const;

    DdimOptions options_;
    PredictionType type_;
    std::vector<float> alphas_;
    std::vector<int64_t> schedule_;
    std::vector<double> timesteps_;
    std::vector<double> no_sigmas_;
};

Ddim::Ddim(const DdimOptions& options, std::string_view where, int64_t steps)
    : options_(options),
      type_(prediction_type(where, options.prediction_type)),
      alphas_(cumulative_alphas(options.betas, where)),
      schedule_(spaced_timesteps(make_spacing(options.spacing, where, options.betas.num_train_timesteps, steps))),
      timesteps_(schedule_.begin(), schedule_.end()) {
    check_schedule(where);
}

void Ddim::check_schedule(std::string_view where) const {
    check(type_ != PredictionType::Flow, ErrorCode::BadInput,
          "{}: prediction_type is 'flow_prediction', known are epsilon, sample, v_prediction", where);
    const auto train_steps = static_cast<int64_t>(alphas_.size());
    check(schedule_.front() < train_steps, ErrorCode::Usage,
          "{} steps with steps_offset {} begin at timestep {}, the model knows 0 to {}", schedule_.size(),
          options_.spacing.steps_offset, schedule_.front(), train_steps - 1);
    const float first_alpha = alphas_[static_cast<size_t>(schedule_.front())];
    check(type_ != PredictionType::Epsilon || first_alpha > 0.0f, ErrorCode::BadInput,
          "{}: prediction_type epsilon cannot start from pure noise (rescale_betas_zero_snr) at timestep {}", where,
          schedule_.front());
}

// Counted from the timestep itself, so with an offset or another spacing it need not be the schedule's next entry.
float Ddim::alpha_before(int64_t timestep) const {
    const int64_t next = timestep - static_cast<int64_t>(alphas_.size() / schedule_.size());
    if (next >= 0) return alphas_[static_cast<size_t>(next)];
    return options_.set_alpha_to_one ? 1.0f : alphas_[0];
}

float Ddim::redrawn_deviation(float alpha, float alpha_next) const {
    const float variance = (1.0f - alpha_next) / (1.0f - alpha) * (1.0f - alpha / alpha_next);
    return static_cast<float>(options_.eta) * std::sqrt(std::max(variance, 0.0f));
}

Tensor Ddim::bounded(const Context& context, Tensor clean) const {
    const auto range = static_cast<float>(options_.clip_sample_range);
    if (options_.threshold.thresholding) return dynamic_threshold(context, clean, options_.threshold);
    return options_.clip_sample ? kernels::clamp(context, clean, -range, range) : clean;
}

Tensor Ddim::step(const Context& context, int index, const Tensor& prediction, const Tensor& latents, Noise& noise) {
    const int64_t timestep = schedule_.at(static_cast<size_t>(index));
    const float alpha = alphas_[static_cast<size_t>(timestep)];
    const float alpha_next = alpha_before(timestep);
    const NoiseLevel level{std::sqrt(alpha), std::sqrt(1.0f - alpha)};
    const Tensor clean = bounded(context, predict_clean(context, type_, level, prediction, latents));
    const Tensor direction = predict_noise(context, type_, level, prediction, latents);
    const float redrawn = options_.eta > 0 ? redrawn_deviation(alpha, alpha_next) : 0.0f;
    const float kept = std::sqrt(std::max(1.0f - alpha_next - redrawn * redrawn, 0.0f));
    const Tensor next = kernels::combine(context, std::sqrt(alpha_next), clean, kept, direction);
    if (options_.eta <= 0) return next;
    return kernels::combine(context, 1.0f, next, redrawn, noise.normal(context, latents.shape()));
}

}  // namespace

std::vector<std::string> ddim_options() {
    DdimOptions options;
    return FieldList(options).names();
}

std::unique_ptr<Sampler> make_ddim(const Json& config, std::string_view where, int64_t steps) {
    DdimOptions options;
    read_options(FieldList(options), config, where);
    check_lacked(config, where, {{"snr_shift_scale", 1.0}});
    options.threshold.check(where);
    check_range(where, "clip_sample_range", options.clip_sample_range, 1e-6, 1e6);
    check(options.eta >= 0 && options.eta <= 1, ErrorCode::Usage, "eta is {}, expected 0 to 1", options.eta);
    return std::make_unique<Ddim>(options, where, steps);
}

}  // namespace kine::dit
