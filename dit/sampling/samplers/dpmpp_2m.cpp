// DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095): the exact solution for the linear part, and for the clean
// latents a line through the last two of them over the logarithmic signal-to-noise ratio.
#include "dit/sampling/samplers/makers.h"
#include "dit/sampling/samplers/multistep.h"
#include "dit/sampling/scheduler_config.h"
#include "kernels/elementwise/elementwise.h"
#include "runtime/options.h"

#include <cmath>
#include <utility>

namespace kine::dit {
namespace {

constexpr size_t kFewSteps = 15;  // below, lower_order_final takes effect

struct Dpmpp2mOptions : MultistepOptions {
    bool euler_at_final = false;

    template <class Visitor>
    void visit(Visitor& v) {
        MultistepOptions::visit(v);
        v("euler_at_final", euler_at_final, "end with a step of first order whatever the number of steps");
    }
};

class Dpmpp2m final : public Sampler {
  public:
    Dpmpp2m(const Dpmpp2mOptions& options, MultistepSchedule schedule)
        : options_(options), schedule_(std::move(schedule)) {}

    const std::vector<double>& timesteps() const override { return schedule_.timesteps; }
    const std::vector<double>& sigmas() const override { return schedule_.sigmas; }
    Tensor step(const Context& context, int index, const Tensor& prediction, const Tensor& latents,
                Noise& noise) override;

  private:
    bool is_first_order(size_t index) const;
    Tensor slope_free_step(const Context& context, size_t index, const Tensor& clean, const Tensor& latents) const;

    Dpmpp2mOptions options_;
    MultistepSchedule schedule_;
    Tensor previous_clean_;
};

bool Dpmpp2m::is_first_order(size_t index) const {
    const bool is_last = index + 1 == schedule_.steps();
    const bool lowers = options_.lower_order_final && schedule_.steps() < kFewSteps;
    return index == 0 || options_.solver_order == 1 ||
           (is_last && (options_.euler_at_final || lowers || schedule_.ends_clean(index)));
}

Tensor Dpmpp2m::slope_free_step(const Context& context, size_t index, const Tensor& clean,
                                const Tensor& latents) const {
    const NoiseLevel here = schedule_.level(index);
    const NoiseLevel next = schedule_.level(index + 1);
    const float distance = schedule_.log_snr(index + 1) - schedule_.log_snr(index);
    const float share = -next.alpha * std::expm1(-distance);
    return kernels::combine(context, next.sigma / here.sigma, latents, share, clean);
}

Tensor Dpmpp2m::step(const Context& context, int index, const Tensor& prediction, const Tensor& latents, Noise&) {
    const auto i = static_cast<size_t>(index);
    check(i < schedule_.steps() && (i == 0 || previous_clean_), ErrorCode::Bug, "dpmpp_2m: step {} of {} out of order",
          index, schedule_.steps());
    Tensor clean = predict_clean(context, schedule_.prediction, schedule_.level(i), prediction, latents);
    if (options_.threshold.thresholding) clean = dynamic_threshold(context, clean, options_.threshold);
    const Tensor previous = std::exchange(previous_clean_, clean);
    if (is_first_order(i)) return slope_free_step(context, i, clean, latents);
    const float here = schedule_.log_snr(i);
    const float ratio = (here - schedule_.log_snr(i - 1)) / (schedule_.log_snr(i + 1) - here);
    const float weight = 0.5f / ratio;
    const Tensor middle = kernels::combine(context, 1.0f + weight, clean, -weight, previous);
    return slope_free_step(context, i, middle, latents);
}

}  // namespace

std::vector<std::string> dpmpp_2m_options() {
    Dpmpp2mOptions options;
    return FieldList(options).names();
}

std::unique_ptr<Sampler> make_dpmpp_2m(const Json& config, std::string_view where, int64_t steps) {
    Dpmpp2mOptions options;
    read_options(FieldList(options), config, where);
    check_lacked(config, where,
                 {{"algorithm_type", "dpmsolver++"},
                  {"snr_shift_scale", 1.0},
                  {"solver_type", "midpoint"},
                  {"use_exponential_sigmas", false},
                  {"use_beta_sigmas", false},
                  {"use_lu_lambdas", false},
                  {"use_dynamic_shifting", false},
                  {"lambda_min_clipped", nullptr},
                  {"variance_type", nullptr}});
    check_multistep(options, where);
    return std::make_unique<Dpmpp2m>(options, make_multistep_schedule(options, where, steps, Solver::DpmSolver));
}

}  // namespace kine::dit
