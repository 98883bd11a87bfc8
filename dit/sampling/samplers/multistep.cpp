#include "dit/sampling/samplers/multistep.h"

#include "dit/sampling/scheduler_config.h"

#include <algorithm>
#include <cmath>

namespace kine::dit {
namespace {

constexpr double kKarrasRho = 7.0;

struct Levels {
    std::vector<double> timesteps;
    std::vector<double> sigmas;
};

// Noise over signal at every training step.
std::vector<float> trained_sigmas(const MultistepOptions& options, std::string_view where) {
    std::vector<float> alphas = cumulative_alphas(options.betas, where);
    if (options.betas.rescale_betas_zero_snr) alphas.back() = 0x1p-24f;  // keeps the first sigma finite
    std::vector<float> sigmas;
    for (const float alpha : alphas) sigmas.push_back(std::sqrt((1.0f - alpha) / alpha));
    return sigmas;
}

Levels visited_levels(const Spacing& spacing, const std::vector<float>& trained) {
    Levels levels;
    const auto last = static_cast<int64_t>(trained.size()) - 1;
    for (const int64_t timestep : spaced_timesteps_with_end(spacing)) {
        const int64_t known = std::clamp<int64_t>(timestep, 0, last);
        levels.timesteps.push_back(static_cast<double>(timestep));
        levels.sigmas.push_back(trained[static_cast<size_t>(known)]);
    }
    return levels;
}

// The training step with this noise, between two of them by the logarithm.
double timestep_of(double sigma, const std::vector<float>& trained) {
    const double wanted = std::log(std::max(sigma, 1e-10));
    const auto above = std::upper_bound(trained.begin(), trained.end(), wanted,
                                        [](double value, float other) { return value < std::log(other); });
    const auto index =
        std::clamp<std::ptrdiff_t>(above - trained.begin() - 1, 0, static_cast<std::ptrdiff_t>(trained.size()) - 2);
    const double low = std::log(trained[static_cast<size_t>(index)]);
    const double high = std::log(trained[static_cast<size_t>(index) + 1]);
    return static_cast<double>(index) + std::clamp((low - wanted) / (low - high), 0.0, 1.0);
}

Levels karras_levels(const std::vector<float>& trained, int64_t steps, bool rounds_timesteps) {
    const double first = std::pow(static_cast<double>(trained.back()), 1.0 / kKarrasRho);
    const double last = std::pow(static_cast<double>(trained.front()), 1.0 / kKarrasRho);
    Levels levels;
    for (const double share : linear_space(0, 1, steps)) {
        const double sigma = std::pow(first + share * (last - first), kKarrasRho);
        const double timestep = timestep_of(sigma, trained);
        levels.sigmas.push_back(sigma);
        levels.timesteps.push_back(rounds_timesteps ? std::nearbyint(timestep) : std::trunc(timestep));
    }
    return levels;
}

std::vector<double> even_flow_levels(double train_steps, int64_t steps, Solver solver) {
    std::vector<double> levels = linear_space(1.0, 1.0 / train_steps, steps + 1);
    if (solver == Solver::DpmSolver) {
        std::reverse(levels.begin(), levels.end());
        for (double& level : levels) level = 1.0 - level;
    }
    levels.pop_back();
    return levels;
}

Levels flow_levels(const MultistepOptions& options, int64_t steps, Solver solver) {
    constexpr double kDistanceToPureNoise = 1e-6;  // its log-SNR would be infinite
    const auto train_steps = static_cast<double>(options.betas.num_train_timesteps);
    const double shift = options.flow_shift;
    Levels levels;
    levels.sigmas = even_flow_levels(train_steps, steps, solver);
    for (double& sigma : levels.sigmas) sigma = shift * sigma / (1.0 + (shift - 1.0) * sigma);
    if (std::abs(levels.sigmas[0] - 1.0) < kDistanceToPureNoise) levels.sigmas[0] -= kDistanceToPureNoise;
    for (const double sigma : levels.sigmas) levels.timesteps.push_back(std::trunc(sigma * train_steps));
    return levels;
}

}  // namespace

void check_multistep(const MultistepOptions& options, std::string_view where) {
    options.threshold.check(where);
    check_range(where, "flow_shift", options.flow_shift, 1e-3, 1e3);
    check(options.solver_order == 1 || options.solver_order == 2, ErrorCode::Unsupported,
          "{}: solver_order is {}, only 1 and 2 are supported", where, options.solver_order);
    check(!options.use_karras_sigmas || !options.use_flow_sigmas, ErrorCode::Unsupported,
          "{}: use_karras_sigmas and use_flow_sigmas are both true, only one of them is supported", where);
}

NoiseLevel MultistepSchedule::level(size_t index) const {
    const auto sigma = static_cast<float>(sigmas[index]);
    if (is_flow) return {1.0f - sigma, sigma};
    const float alpha = 1.0f / std::sqrt(sigma * sigma + 1.0f);
    return {alpha, sigma * alpha};
}

float MultistepSchedule::log_snr(size_t index) const {
    const auto [alpha, sigma] = level(index);
    return std::log(alpha) - std::log(sigma);
}

MultistepSchedule make_multistep_schedule(const MultistepOptions& options, std::string_view where, int64_t steps,
                                          Solver solver) {
    const Spacing spacing = make_spacing(options.spacing, where, options.betas.num_train_timesteps, steps);
    const std::vector<float> trained = trained_sigmas(options, where);
    const bool ends_at_zero =
        known_word<bool>(where, "final_sigmas_type", options.final_sigmas_type, {{"zero", true}, {"sigma_min", false}});
    const bool is_cosine = options.betas.beta_schedule == "squaredcos_cap_v2";
    const bool rounds = solver == Solver::UniPc || !is_cosine;
    Levels levels = options.use_flow_sigmas     ? flow_levels(options, steps, solver)
                    : options.use_karras_sigmas ? karras_levels(trained, steps, rounds)
                                                : visited_levels(spacing, trained);
    const bool keeps_last = options.use_flow_sigmas && solver == Solver::UniPc;
    levels.sigmas.push_back(ends_at_zero ? 0.0 : keeps_last ? levels.sigmas.back() : trained.front());
    for (double& sigma : levels.sigmas) sigma = static_cast<float>(sigma);
    return {levels.timesteps, levels.sigmas, options.use_flow_sigmas, prediction_type(where, options.prediction_type)};
}

}  // namespace kine::dit
