// Euler's method on a rectified flow (Liu et al. 2022; Esser et al. 2024): the model predicts the velocity from clean
// latents to noise, sigma is the share of noise, and `shift` spends more steps where there is much of it.
#include "dit/sampling/samplers/makers.h"
#include "dit/sampling/scheduler_config.h"
#include "dit/sampling/schedules.h"
#include "kernels/elementwise/elementwise.h"
#include "runtime/options.h"

#include <cmath>

namespace kine::dit {
namespace {

struct EulerFlowOptions {
    int64_t num_train_timesteps = 1000;
    double shift = 1.0;
    bool use_dynamic_shifting = false;
    std::optional<double> mu;
    std::string time_shift_type = "exponential";
    std::optional<double> shift_terminal;
    bool stochastic_sampling = false;
    std::vector<double> sigmas;

    template <class Visitor>
    void visit(Visitor& v) {
        v("num_train_timesteps", num_train_timesteps, "length of the training schedule");
        v("shift", shift, "above 1: more steps at high noise");
        v("use_dynamic_shifting", use_dynamic_shifting, "shift by mu, which the family derives from the size");
        v("mu", mu, "strength of dynamic shifting");
        v("time_shift_type", time_shift_type, "what mu means: exponential or linear");
        v("shift_terminal", shift_terminal, "noise level that the schedule is stretched to end at");
        v("stochastic_sampling", stochastic_sampling, "draw the noise of every step anew");
        v("sigmas", sigmas, "noise levels before shifting, instead of an even spacing");
    }
};

void check_options(const EulerFlowOptions& options, std::string_view where, int64_t steps) {
    check_range(where, "num_train_timesteps", static_cast<double>(options.num_train_timesteps), 1, 1e6);
    check_range(where, "shift", options.shift, 1e-3, 1e3);
    check_range(where, "mu", options.mu.value_or(1.0), -50, 50);
    check_range(where, "shift_terminal", options.shift_terminal.value_or(0.0), 0, 0.999);
    check(!options.use_dynamic_shifting || options.mu, ErrorCode::Unsupported,
          "{}: use_dynamic_shifting is true, but nobody gave mu", where);
    check_steps(steps, options.num_train_timesteps);
    const auto given = static_cast<int64_t>(options.sigmas.size());
    check(given == 0 || given == steps, ErrorCode::Usage, "sigmas has {} values for {} steps", given, steps);
    for (const double sigma : options.sigmas) check_range(where, "sigmas", sigma, 0, 1);
}

// The reference computes in double where it makes the spacing itself and in float32 where a pipeline hands one in.
template <class Real>
class SigmaSchedule {
  public:
    SigmaSchedule(const EulerFlowOptions& options, std::string_view where)
        : options_(options),
          is_exponential_(known_word<bool>(where, "time_shift_type", options.time_shift_type,
                                           {{"exponential", true}, {"linear", false}})) {}

    std::vector<float> operator()(const std::vector<double>& even) const {
        std::vector<Real> sigmas(even.begin(), even.end());
        for (Real& sigma : sigmas) sigma = options_.use_dynamic_shifting ? shift_by_mu(sigma) : shift(sigma);
        if (options_.shift_terminal.value_or(0.0) > 0.0) stretch(sigmas);
        return {sigmas.begin(), sigmas.end()};
    }

  private:
    Real shift(Real sigma) const { return Real(options_.shift) * sigma / (Real(1) + Real(options_.shift - 1) * sigma); }
    Real shift_by_mu(Real sigma) const {
        const double strength = is_exponential_ ? std::exp(*options_.mu) : *options_.mu;
        return Real(strength) / (Real(strength) + (Real(1) / sigma - Real(1)));
    }
    void stretch(std::vector<Real>& sigmas) const {
        const Real factor = (Real(1) - sigmas.back()) / Real(1 - *options_.shift_terminal);
        if (factor <= Real(0)) return;  // a single step at sigma 1 has nothing to stretch
        for (Real& sigma : sigmas) sigma = Real(1) - (Real(1) - sigma) / factor;
    }

    const EulerFlowOptions& options_;
    bool is_exponential_;
};

// The even spacing ends at the smallest training level, which without dynamic shifting is itself shifted already.
std::vector<double> even_levels(const EulerFlowOptions& options, int64_t steps) {
    const auto train_steps = static_cast<float>(options.num_train_timesteps);
    const auto shift = static_cast<float>(options.use_dynamic_shifting ? 1.0 : options.shift);
    const auto trained = [&](float sigma) { return shift * sigma / (1.0f + (shift - 1.0f) * sigma); };
    const double scale = static_cast<double>(options.num_train_timesteps);
    const double first = static_cast<double>(trained(1.0f)) * scale;
    const double last = static_cast<double>(trained(1.0f / train_steps)) * scale;
    std::vector<double> levels = linear_space(first, last, steps);
    for (double& level : levels) level /= scale;
    return levels;
}

class EulerFlow final : public Sampler {
  public:
    EulerFlow(const EulerFlowOptions& options, std::string_view where, int64_t steps);

    const std::vector<double>& timesteps() const override { return timesteps_; }
    const std::vector<double>& sigmas() const override { return sigmas_; }
    Tensor step(const Context& context, int index, const Tensor& prediction, const Tensor& latents,
                Noise& noise) override;

  private:
    bool draws_noise_;
    std::vector<double> sigmas_;
    std::vector<double> timesteps_;
};

EulerFlow::EulerFlow(const EulerFlowOptions& options, std::string_view where, int64_t steps)
    : draws_noise_(options.stochastic_sampling) {
    const std::vector<float> sigmas = options.sigmas.empty()
                                          ? SigmaSchedule<double>(options, where)(even_levels(options, steps))
                                          : SigmaSchedule<float>(options, where)(options.sigmas);
    sigmas_.assign(sigmas.begin(), sigmas.end());
    for (const float sigma : sigmas) timesteps_.push_back(sigma * static_cast<float>(options.num_train_timesteps));
    sigmas_.push_back(0.0);
}

Tensor EulerFlow::step(const Context& context, int index, const Tensor& prediction, const Tensor& latents,
                       Noise& noise) {
    const auto here = static_cast<float>(sigmas_.at(static_cast<size_t>(index)));
    const auto next = static_cast<float>(sigmas_.at(static_cast<size_t>(index) + 1));
    if (!draws_noise_) return kernels::combine(context, 1.0f, latents, next - here, prediction);
    const Tensor clean = kernels::combine(context, 1.0f, latents, -here, prediction);
    return kernels::combine(context, 1.0f - next, clean, next, noise.normal(context, latents.shape()));
}

}  // namespace

std::vector<std::string> euler_flow_options() {
    EulerFlowOptions options;
    return FieldList(options).names();
}

std::unique_ptr<Sampler> make_euler_flow(const Json& config, std::string_view where, int64_t steps) {
    EulerFlowOptions options;
    read_options(FieldList(options), config, where);
    check_lacked(config, where,
                 {{"invert_sigmas", false},
                  {"use_karras_sigmas", false},
                  {"use_exponential_sigmas", false},
                  {"use_beta_sigmas", false}});
    check_options(options, where, steps);
    return std::make_unique<EulerFlow>(options, where, steps);
}

}  // namespace kine::dit
