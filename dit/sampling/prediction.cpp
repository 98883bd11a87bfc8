#include "dit/sampling/prediction.h"

#include "dit/sampling/scheduler_config.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "runtime/tensor/transfer.h"

#include <algorithm>
#include <cmath>

namespace kine::dit {
namespace {

// The quantile of the magnitudes, linear between the two values beside it.
float magnitude_quantile(const Context& context, const Tensor& x, double share) {
    const Tensor flat = to_host(context, kernels::contiguous(context, x));
    std::vector<float> magnitudes(flat.data<float>(), flat.data<float>() + flat.elements());
    for (float& value : magnitudes) value = std::abs(value);
    const double position = share * static_cast<double>(magnitudes.size() - 1);
    const auto below = static_cast<std::ptrdiff_t>(position);
    std::nth_element(magnitudes.begin(), magnitudes.begin() + below, magnitudes.end());
    const float low = magnitudes[static_cast<size_t>(below)];
    const auto above = magnitudes.begin() + below + 1;
    const float high = above == magnitudes.end() ? low : *std::min_element(above, magnitudes.end());
    return low + static_cast<float>(position - static_cast<double>(below)) * (high - low);
}

}  // namespace

PredictionType prediction_type(std::string_view where, std::string_view word) {
    return known_word<PredictionType>(where, "prediction_type", word,
                                      {{"epsilon", PredictionType::Epsilon},
                                       {"sample", PredictionType::Sample},
                                       {"v_prediction", PredictionType::VPrediction},
                                       {"flow_prediction", PredictionType::Flow}});
}

Tensor predict_clean(const Context& context, PredictionType type, NoiseLevel level, const Tensor& prediction,
                     const Tensor& latents) {
    const auto [alpha, sigma] = level;
    switch (type) {
        case PredictionType::Epsilon:
            return kernels::combine(context, 1.0f / alpha, latents, -sigma / alpha, prediction);
        case PredictionType::VPrediction:
            return kernels::combine(context, alpha, latents, -sigma, prediction);
        case PredictionType::Flow:
            return kernels::combine(context, 1.0f, latents, -sigma, prediction);
        case PredictionType::Sample:
            break;
    }
    return prediction;
}

Tensor predict_noise(const Context& context, PredictionType type, NoiseLevel level, const Tensor& prediction,
                     const Tensor& latents) {
    const auto [alpha, sigma] = level;
    switch (type) {
        case PredictionType::Sample:
            return kernels::combine(context, 1.0f / sigma, latents, -alpha / sigma, prediction);
        case PredictionType::VPrediction:
            return kernels::combine(context, sigma, latents, alpha, prediction);
        case PredictionType::Flow:
            return kernels::combine(context, 1.0f, latents, alpha, prediction);
        case PredictionType::Epsilon:
            break;
    }
    return prediction;
}

void ThresholdOptions::check(std::string_view where) const {
    check_range(where, "dynamic_thresholding_ratio", dynamic_thresholding_ratio, 0, 1);
    check_range(where, "sample_max_value", sample_max_value, 1e-6, 1e6);
}

Tensor dynamic_threshold(const Context& context, const Tensor& x, const ThresholdOptions& options) {
    const float quantile = magnitude_quantile(context, x, options.dynamic_thresholding_ratio);
    const float limit = std::min(std::max(quantile, 1.0f), static_cast<float>(options.sample_max_value));
    return kernels::scale(context, kernels::clamp(context, x, -limit, limit), 1.0f / limit);
}

}  // namespace kine::dit
