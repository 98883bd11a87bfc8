#include "dit/sampling/schedules.h"

#include "dit/sampling/scheduler_config.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kine::dit {
namespace {

constexpr int64_t kMaxTrainSteps = 1'000'000;
constexpr double kMaxCosineBeta = 0.999;

std::vector<float> scaled_linear_betas(double first, double last, int64_t count) {
    auto betas =
        linear_space_in_float(static_cast<float>(std::sqrt(first)), static_cast<float>(std::sqrt(last)), count);
    for (float& beta : betas) beta *= beta;
    return betas;
}

// Nichol and Dhariwal 2021: the signal follows a squared cosine.
std::vector<float> cosine_betas(int64_t count) {
    const auto signal = [count](int64_t step) {
        const double time = static_cast<double>(step) / static_cast<double>(count);
        const double wave = std::cos((time + 0.008) / 1.008 * std::numbers::pi / 2);
        return wave * wave;
    };
    std::vector<float> betas(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i)
        betas[static_cast<size_t>(i)] = static_cast<float>(std::min(1 - signal(i + 1) / signal(i), kMaxCosineBeta));
    return betas;
}

std::vector<float> given_betas(const BetaOptions& options, std::string_view where) {
    const auto count = static_cast<int64_t>(options.trained_betas.size());
    check(count == options.num_train_timesteps, ErrorCode::BadInput,
          "{}: trained_betas has {} values, num_train_timesteps is {}", where, count, options.num_train_timesteps);
    for (const double beta : options.trained_betas) check_range(where, "trained_betas", beta, 1e-12, 0.9999);
    return {options.trained_betas.begin(), options.trained_betas.end()};
}

std::vector<float> make_betas(const BetaOptions& options, std::string_view where) {
    check_range(where, "num_train_timesteps", static_cast<double>(options.num_train_timesteps), 1, kMaxTrainSteps);
    if (!options.trained_betas.empty()) return given_betas(options, where);
    check_range(where, "beta_start", options.beta_start, 1e-12, 0.9999);
    check_range(where, "beta_end", options.beta_end, options.beta_start, 0.9999);
    const int64_t count = options.num_train_timesteps;
    enum class Kind { Linear, ScaledLinear, Cosine };
    switch (known_word<Kind>(
        where, "beta_schedule", options.beta_schedule,
        {{"linear", Kind::Linear}, {"scaled_linear", Kind::ScaledLinear}, {"squaredcos_cap_v2", Kind::Cosine}})) {
        case Kind::Linear:
            return linear_space_in_float(static_cast<float>(options.beta_start), static_cast<float>(options.beta_end),
                                         count);
        case Kind::ScaledLinear:
            return scaled_linear_betas(options.beta_start, options.beta_end, count);
        case Kind::Cosine:
            break;
    }
    return cosine_betas(count);
}

// The product runs in double and is rounded into each entry.
std::vector<float> running_product(const std::vector<float>& factors) {
    std::vector<float> products;
    double product = 1.0;
    for (const float factor : factors) {
        product *= static_cast<double>(factor);
        products.push_back(static_cast<float>(product));
    }
    return products;
}

std::vector<float> one_minus(std::vector<float> values) {
    for (float& value : values) value = 1.0f - value;
    return values;
}

// Lin et al. 2023: shift and stretch the square roots so that the last one is zero and the first one stays.
std::vector<float> rescale_to_zero_snr(const std::vector<float>& betas) {
    std::vector<float> alphas = running_product(one_minus(betas));
    for (float& alpha : alphas) alpha = std::sqrt(alpha);
    const float first = alphas.front();
    const float last = alphas.back();
    const float stretch = first / (first - last);
    for (float& alpha : alphas) {
        alpha = (alpha - last) * stretch;
        alpha *= alpha;
    }
    std::vector<float> rescaled = alphas;
    for (size_t i = 1; i < alphas.size(); ++i) rescaled[i] = alphas[i] / alphas[i - 1];
    return one_minus(rescaled);
}

int64_t round_half_to_even(double value) { return static_cast<int64_t>(std::nearbyint(value)); }

// numpy steps down by the difference of the first two values, which is not quite the ratio.
std::vector<int64_t> trailing_timesteps(const Spacing& spacing) {
    const auto last = static_cast<double>(spacing.train_steps);
    const double step = (last - last / static_cast<double>(spacing.steps)) - last;
    std::vector<int64_t> timesteps;
    for (int64_t i = 0; i < spacing.steps; ++i)
        timesteps.push_back(round_half_to_even(last + static_cast<double>(i) * step) - 1);
    return timesteps;
}

std::vector<int64_t> points_upwards(const Spacing& spacing, int64_t count) {
    std::vector<int64_t> points;
    if (spacing.kind == TimestepSpacing::Linspace) {
        for (const double point : linear_space(0, static_cast<double>(spacing.train_steps - 1), count))
            points.push_back(round_half_to_even(point));
    } else {
        const int64_t ratio = spacing.train_steps / count;
        for (int64_t i = 0; i < count; ++i) points.push_back(i * ratio + spacing.offset);
    }
    return points;
}

}  // namespace

std::vector<float> cumulative_alphas(const BetaOptions& options, std::string_view where) {
    std::vector<float> betas = make_betas(options, where);
    check(betas.size() > 1 || !options.rescale_betas_zero_snr, ErrorCode::BadInput,
          "{}: rescale_betas_zero_snr needs more than one training step", where);
    if (options.rescale_betas_zero_snr) betas = rescale_to_zero_snr(betas);
    return running_product(one_minus(betas));
}

TimestepSpacing timestep_spacing(std::string_view where, std::string_view word) {
    return known_word<TimestepSpacing>(where, "timestep_spacing", word,
                                       {{"leading", TimestepSpacing::Leading},
                                        {"trailing", TimestepSpacing::Trailing},
                                        {"linspace", TimestepSpacing::Linspace}});
}

Spacing make_spacing(const SpacingOptions& options, std::string_view where, int64_t train_steps, int64_t steps) {
    check_range(where, "steps_offset", static_cast<double>(options.steps_offset), 0, static_cast<double>(train_steps));
    check_steps(steps, train_steps);
    return {timestep_spacing(where, options.timestep_spacing), train_steps, steps, options.steps_offset};
}

std::vector<int64_t> spaced_timesteps(const Spacing& spacing) {
    if (spacing.kind == TimestepSpacing::Trailing) return trailing_timesteps(spacing);
    std::vector<int64_t> points = points_upwards(spacing, spacing.steps);
    std::reverse(points.begin(), points.end());
    return points;
}

std::vector<int64_t> spaced_timesteps_with_end(const Spacing& spacing) {
    if (spacing.kind == TimestepSpacing::Trailing) return trailing_timesteps(spacing);
    std::vector<int64_t> points = points_upwards(spacing, spacing.steps + 1);
    std::reverse(points.begin(), points.end());
    points.pop_back();
    return points;
}

std::vector<double> linear_space(double first, double last, int64_t count) {
    std::vector<double> values(static_cast<size_t>(count), first);
    if (count < 2) return values;
    const double step = (last - first) / static_cast<double>(count - 1);
    for (int64_t i = 0; i < count; ++i) values[static_cast<size_t>(i)] = first + static_cast<double>(i) * step;
    values.back() = last;
    return values;
}

// From both ends to the middle, with one rounding per value.
std::vector<float> linear_space_in_float(float first, float last, int64_t count) {
    const float step = count > 1 ? (last - first) / static_cast<float>(count - 1) : 0.0f;
    std::vector<float> values(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
        const bool is_lower_half = i < count / 2 || count == 1;
        const float distance = static_cast<float>(is_lower_half ? i : count - 1 - i);
        values[static_cast<size_t>(i)] =
            is_lower_half ? std::fma(step, distance, first) : std::fma(-step, distance, last);
    }
    return values;
}

}  // namespace kine::dit
