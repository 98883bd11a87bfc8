// UniPC (Zhao et al. 2023, arXiv 2302.04867), orders 1 and 2: the predictor of a multistep solver, and when the next
// prediction arrives a corrector that costs no evaluation, since it uses that prediction for the step before.
#include "dit/sampling/samplers/makers.h"
#include "dit/sampling/samplers/multistep.h"
#include "dit/sampling/scheduler_config.h"
#include "kernels/elementwise/elementwise.h"
#include "runtime/options.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace kine::dit {
namespace {

struct UniPcOptions : MultistepOptions {
    std::string solver_type = "bh2";
    std::vector<int64_t> disable_corrector;

    template <class Visitor>
    void visit(Visitor& v) {
        MultistepOptions::visit(v);
        v("solver_type", solver_type, "weight of the correction: bh1 or bh2");
        v("disable_corrector", disable_corrector, "steps that are not corrected");
    }
};

// The numbers of one step from `from` to `to`, with k = -(its length over the log-SNR).
struct Stride {
    float keep;        // of the latents at the start
    float share;       // alpha * (1 - e^k): of the clean latents at the start
    float correction;  // alpha * B(k), the scale of all differences to them
    float k;
    float growth;  // e^k - 1
    float b;       // B(k)
};

class UniPc final : public Sampler {
  public:
    UniPc(const UniPcOptions& options, std::string_view where, MultistepSchedule schedule);

    const std::vector<double>& timesteps() const override { return schedule_.timesteps; }
    const std::vector<double>& sigmas() const override { return schedule_.sigmas; }
    Tensor step(const Context& context, int index, const Tensor& prediction, const Tensor& latents,
                Noise& noise) override;

  private:
    Stride stride(size_t from) const;
    float ratio_before(size_t from) const;
    bool is_corrected(size_t index) const;
    int64_t order_at(size_t index) const;
    std::array<float, 2> corrector_weights(const Stride& stride, float ratio) const;
    Tensor correct(const Context& context, size_t index, const Tensor& clean) const;
    Tensor predict(const Context& context, size_t index, const Tensor& latents) const;

    UniPcOptions options_;
    bool is_bh1_;
    MultistepSchedule schedule_;
    int64_t order_ = 1;     // of the latest predictor; the next corrector has it too
    Tensor start_;          // latents from which the latest predictor started
    Tensor clean_;          // clean latents there
    Tensor earlier_clean_;  // and one step before
};

UniPc::UniPc(const UniPcOptions& options, std::string_view where, MultistepSchedule schedule)
    : options_(options),
      is_bh1_(known_word<bool>(where, "solver_type", options.solver_type, {{"bh1", true}, {"bh2", false}})),
      schedule_(std::move(schedule)) {}

Stride UniPc::stride(size_t from) const {
    const NoiseLevel here = schedule_.level(from);
    const NoiseLevel next = schedule_.level(from + 1);
    const float k = schedule_.log_snr(from) - schedule_.log_snr(from + 1);
    const float growth = std::expm1(k);
    const float b = is_bh1_ ? k : growth;
    return {next.sigma / here.sigma, -next.alpha * growth, -next.alpha * b, k, growth, b};
}

// Distance to the step before, in units of the step from `from`; negative.
float UniPc::ratio_before(size_t from) const {
    const float here = schedule_.log_snr(from);
    return (schedule_.log_snr(from - 1) - here) / (schedule_.log_snr(from + 1) - here);
}

int64_t UniPc::order_at(size_t index) const {
    // A step to zero noise is infinitely long: only first order has a limit there.
    if (schedule_.ends_clean(index)) return 1;
    const auto left = static_cast<int64_t>(schedule_.steps() - index);
    const int64_t final_order =
        options_.lower_order_final ? std::min(options_.solver_order, left) : options_.solver_order;
    return std::min(final_order, static_cast<int64_t>(index) + 1);
}

bool UniPc::is_corrected(size_t index) const {
    const auto& disabled = options_.disable_corrector;
    return index > 0 && std::find(disabled.begin(), disabled.end(), static_cast<int64_t>(index) - 1) == disabled.end();
}

// Solves [[1, 1], [ratio, 1]] w = [b1, b2]: both differences, to the step before and to the one after, weigh so that
// polynomials up to the second degree are met.
std::array<float, 2> UniPc::corrector_weights(const Stride& stride, float ratio) const {
    const float phi1 = stride.growth / stride.k - 1.0f;
    const float phi2 = phi1 / stride.k - 0.5f;
    const float b1 = phi1 / stride.b;
    const float b2 = phi2 * 2.0f / stride.b;
    const float before = (b1 - b2) / (1.0f - ratio);
    return {before, b1 - before};
}

Tensor UniPc::correct(const Context& context, size_t index, const Tensor& clean) const {
    const Stride s = stride(index - 1);
    const Tensor base = kernels::combine(context, s.keep, start_, s.share, clean_);
    const Tensor after = kernels::combine(context, 1.0f, clean, -1.0f, clean_);
    if (order_ == 1) return kernels::combine(context, 1.0f, base, 0.5f * s.correction, after);
    const float ratio = ratio_before(index - 1);
    const auto [before_weight, after_weight] = corrector_weights(s, ratio);
    const Tensor before = kernels::combine(context, 1.0f / ratio, earlier_clean_, -1.0f / ratio, clean_);
    const Tensor differences = kernels::combine(context, before_weight, before, after_weight, after);
    return kernels::combine(context, 1.0f, base, s.correction, differences);
}

Tensor UniPc::predict(const Context& context, size_t index, const Tensor& latents) const {
    if (schedule_.ends_clean(index)) return clean_;
    const Stride s = stride(index);
    const Tensor base = kernels::combine(context, s.keep, latents, s.share, clean_);
    if (order_ == 1) return base;
    const float ratio = ratio_before(index);
    const Tensor before = kernels::combine(context, 1.0f / ratio, earlier_clean_, -1.0f / ratio, clean_);
    return kernels::combine(context, 1.0f, base, 0.5f * s.correction, before);
}

Tensor UniPc::step(const Context& context, int index, const Tensor& prediction, const Tensor& latents, Noise&) {
    const auto i = static_cast<size_t>(index);
    check(i < schedule_.steps() && (i == 0 || clean_), ErrorCode::Bug, "unipc: step {} of {} out of order", index,
          schedule_.steps());
    // The prediction was made from the latents as they came, so the clean ones follow from those, not from corrected
    // ones.
    Tensor clean = predict_clean(context, schedule_.prediction, schedule_.level(i), prediction, latents);
    if (options_.threshold.thresholding) clean = dynamic_threshold(context, clean, options_.threshold);
    start_ = is_corrected(i) ? correct(context, i, clean) : latents;
    earlier_clean_ = std::exchange(clean_, clean);
    order_ = order_at(i);
    return predict(context, i, start_);
}

}  // namespace

std::vector<std::string> unipc_options() {
    UniPcOptions options;
    return FieldList(options).names();
}

std::unique_ptr<Sampler> make_unipc(const Json& config, std::string_view where, int64_t steps) {
    UniPcOptions options;
    read_options(FieldList(options), config, where);
    check_lacked(config, where,
                 {{"predict_x0", true},
                  {"snr_shift_scale", 1.0},
                  {"solver_p", nullptr},
                  {"use_exponential_sigmas", false},
                  {"use_beta_sigmas", false},
                  {"use_dynamic_shifting", false},
                  {"shift_terminal", nullptr},
                  {"sigma_min", nullptr},
                  {"sigma_max", nullptr}});
    check_multistep(options, where);
    return std::make_unique<UniPc>(options, where, make_multistep_schedule(options, where, steps, Solver::UniPc));
}

}  // namespace kine::dit
