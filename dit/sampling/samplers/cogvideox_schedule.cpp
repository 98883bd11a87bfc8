#include "dit/sampling/samplers/cogvideox_schedule.h"

#include "dit/sampling/scheduler_config.h"
#include "runtime/options.h"

#include <cmath>

namespace kine::dit {
namespace {

/// The one schedule that the reference makes in double; the others are float32 tables.
std::vector<double> scaled_linear_alphas(const BetaOptions& betas) {
    const std::vector<double> roots =
        linear_space(std::sqrt(betas.beta_start), std::sqrt(betas.beta_end), betas.num_train_timesteps);
    std::vector<double> alphas;
    double product = 1.0;
    for (const double root : roots) alphas.push_back(product *= 1.0 - root * root);
    return alphas;
}

std::vector<double> trained_alphas(BetaOptions betas, std::string_view where) {
    betas.rescale_betas_zero_snr = false;                              // comes after the shift
    const std::vector<float> table = cumulative_alphas(betas, where);  // also checks
    if (betas.beta_schedule == "scaled_linear" && betas.trained_betas.empty()) return scaled_linear_alphas(betas);
    return {table.begin(), table.end()};
}

/// Divides the signal-to-noise ratio a / (1 - a) by `shift`.
void shift_towards_noise(std::vector<double>& alphas, double shift) {
    for (double& alpha : alphas) alpha /= shift + (1.0 - shift) * alpha;
}

/// Lin et al. 2023: the first square root stays and the last becomes 0.
void end_in_noise(std::vector<double>& alphas) {
    const double first = std::sqrt(alphas.front()), last = std::sqrt(alphas.back());
    for (double& alpha : alphas) {
        const double root = (std::sqrt(alpha) - last) * (first / (first - last));
        alpha = root * root;
    }
}

CogVideoXOptions read(const Json& config, std::string_view where, int64_t steps) {
    CogVideoXOptions options;
    read_options(FieldList(options), config, where);
    check_range(where, "snr_shift_scale", options.snr_shift_scale, 1e-3, 1e3);
    check_range(where, "num_train_timesteps", static_cast<double>(options.betas.num_train_timesteps), 2, 1e6);
    check(options.eta >= 0 && options.eta <= 1, ErrorCode::Usage, "eta is {}, expected 0 to 1", options.eta);
    check_steps(steps, options.betas.num_train_timesteps);
    return options;
}

std::vector<double> make_alphas(const CogVideoXOptions& options, std::string_view where) {
    std::vector<double> alphas = trained_alphas(options.betas, where);
    shift_towards_noise(alphas, options.snr_shift_scale);
    if (options.betas.rescale_betas_zero_snr) end_in_noise(alphas);
    return alphas;
}

}  // namespace

CogVideoXSchedule::CogVideoXSchedule(const Json& config, std::string_view where, int64_t steps) {
    const CogVideoXOptions options = read(config, where, steps);
    const int64_t train_steps = options.betas.num_train_timesteps;
    type_ = prediction_type(where, options.prediction_type);
    ends_clean_ = options.set_alpha_to_one;
    alphas_ = make_alphas(options, where);
    schedule_ = spaced_timesteps(make_spacing(options.spacing, where, train_steps, steps));
    timesteps_.assign(schedule_.begin(), schedule_.end());
    stride_ = train_steps / steps;
    check(type_ != PredictionType::Flow, ErrorCode::BadInput,
          "{}: prediction_type is 'flow_prediction', known are epsilon, sample, v_prediction", where);
    check(schedule_.front() < train_steps, ErrorCode::Usage,
          "{} steps with steps_offset {} begin at timestep {}, the model knows 0 to {}", steps,
          options.spacing.steps_offset, schedule_.front(), train_steps - 1);
    check(type_ != PredictionType::Epsilon || alpha(0) > 0.0, ErrorCode::BadInput,
          "{}: prediction_type epsilon cannot start from pure noise (rescale_betas_zero_snr) at timestep {}", where,
          schedule_.front());
}

double CogVideoXSchedule::alpha_after(int index) const {
    if (!is_final(index)) return alphas_[static_cast<size_t>(target(index))];
    return ends_clean_ ? 1.0 : alphas_[0];
}

Tensor CogVideoXSchedule::clean(const Context& context, int index, const Tensor& prediction,
                                const Tensor& latents) const {
    const double a = alpha(index);
    const NoiseLevel level{static_cast<float>(std::sqrt(a)), static_cast<float>(std::sqrt(1.0 - a))};
    return predict_clean(context, type_, level, prediction, latents);
}

}  // namespace kine::dit
