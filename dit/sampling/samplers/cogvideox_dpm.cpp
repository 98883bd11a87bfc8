// CogVideoX's DPM-Solver++ (Lu et al. 2022, arXiv 2211.01095): the stochastic multistep form of second order. Time is
// the logarithm of the signal-to-noise ratio, infinite where nothing but noise or none of it is left; the formulas need
// those infinities.
#include "dit/sampling/samplers/cogvideox_schedule.h"
#include "dit/sampling/samplers/makers.h"
#include "kernels/elementwise/elementwise.h"
#include "runtime/io/json.h"

#include <cmath>

namespace kine::dit {
namespace {

double log_snr(double alpha) { return std::log(std::sqrt(alpha / (1.0 - alpha))); }

class CogVideoXDpm final : public Sampler {
  public:
    explicit CogVideoXDpm(CogVideoXSchedule schedule) : schedule_(std::move(schedule)) {}

    const std::vector<double>& timesteps() const override { return schedule_.timesteps(); }
    const std::vector<double>& sigmas() const override { return no_sigmas_; }

    Tensor step(const Context& context, int index, const Tensor& prediction, const Tensor& latents,
                Noise& noise) override {
        const Tensor clean = schedule_.clean(context, index, prediction, latents);
        Tensor drawn = noise.normal(context, latents.shape());
        Tensor direction = clean;
        if (index > 0 && !schedule_.is_final(index)) {
            direction = extrapolated(context, index, clean);
            drawn = noise.normal(context, latents.shape());  // the reference draws anew for second order
        }
        last_clean_ = clean;
        return advanced(context, index, latents, direction, drawn);
    }

  private:
    double length(int index) const { return log_snr(schedule_.alpha_after(index)) - log_snr(schedule_.alpha(index)); }

    /// The clean latents at the middle of the step, from those of this step and of the one before.
    Tensor extrapolated(const Context& context, int index, const Tensor& clean) const {
        const double before = log_snr(schedule_.alpha(index)) - log_snr(schedule_.alpha(index - 1));
        const double share = 1.0 / (2.0 * (before / length(index)));
        return kernels::combine(context, static_cast<float>(1.0 + share), clean, static_cast<float>(-share),
                                last_clean_);
    }

    Tensor advanced(const Context& context, int index, const Tensor& latents, const Tensor& direction,
                    const Tensor& drawn) const {
        const double next = schedule_.alpha_after(index), h = length(index);
        const double kept = std::sqrt((1.0 - next) / (1.0 - schedule_.alpha(index))) * std::exp(-h);
        const double taken = std::expm1(-2.0 * h) * std::sqrt(next);
        const double redrawn = std::sqrt(1.0 - next) * std::sqrt(1.0 - std::exp(-2.0 * h));
        const Tensor moved =
            kernels::combine(context, static_cast<float>(kept), latents, static_cast<float>(-taken), direction);
        return kernels::combine(context, 1.0f, moved, static_cast<float>(redrawn), drawn);
    }

    CogVideoXSchedule schedule_;
    std::vector<double> no_sigmas_;
    Tensor last_clean_;  // of the step before
};

}  // namespace

std::unique_ptr<Sampler> make_cogvideox_dpm(const Json& config, std::string_view where, int64_t steps) {
    return std::make_unique<CogVideoXDpm>(CogVideoXSchedule(config, where, steps));
}

}  // namespace kine::dit
