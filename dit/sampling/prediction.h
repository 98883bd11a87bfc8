// What a model's output means, and the clean latents that it implies.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <string_view>

namespace kine::dit {

enum class PredictionType { Epsilon, Sample, VPrediction, Flow };
/// "epsilon", "sample" or "v_prediction"; ErrorCode::BadInput naming `where` else.
PredictionType prediction_type(std::string_view where, std::string_view word);

/// latents = alpha * clean + sigma * noise.
struct NoiseLevel {
    float alpha = 1.0f;
    float sigma = 0.0f;
};

Tensor predict_clean(const Context& context, PredictionType type, NoiseLevel level, const Tensor& prediction,
                     const Tensor& latents);
Tensor predict_noise(const Context& context, PredictionType type, NoiseLevel level, const Tensor& prediction,
                     const Tensor& latents);

struct ThresholdOptions {
    bool thresholding = false;
    double dynamic_thresholding_ratio = 0.995;
    double sample_max_value = 1.0;

    template <class Visitor>
    void visit(Visitor& v) {
        v("thresholding", thresholding, "dynamic thresholding of the clean latents (Saharia et al. 2022)");
        v("dynamic_thresholding_ratio", dynamic_thresholding_ratio, "quantile of the magnitudes that becomes 1");
        v("sample_max_value", sample_max_value, "largest divisor of dynamic thresholding");
    }
    void check(std::string_view where) const;
};

/// Clamps to the quantile and divides by it, where it is above 1. x f32 contiguous.
Tensor dynamic_threshold(const Context& context, const Tensor& x, const ThresholdOptions& options);

}  // namespace kine::dit
