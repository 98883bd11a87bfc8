#include "dit/modules/timestep_embedding.h"

#include "kernels/elementwise/elementwise.h"

#include <cmath>

namespace kine::dit {

Tensor timestep_sinusoid(const Context& context, std::span<const double> timesteps, int64_t half) {
    const auto steps = static_cast<int64_t>(timesteps.size());
    std::vector<float> values(static_cast<size_t>(steps * 2 * half));
    const auto log_period = static_cast<float>(-std::log(10000.0));
    for (int64_t step = 0; step < steps; ++step) {
        const auto t = static_cast<float>(timesteps[static_cast<size_t>(step)]);
        for (int64_t k = 0; k < half; ++k) {
            const float angle = t * std::exp(log_period * static_cast<float>(k) / static_cast<float>(half));
            const auto at = static_cast<size_t>(step * 2 * half + k);
            values[at] = std::cos(angle);
            values[at + static_cast<size_t>(half)] = std::sin(angle);
        }
    }
    return Tensor::of<float>(context, {steps, 2 * half}, values);
}

SinusoidMlp::SinusoidMlp(const Scope& in, const Scope& out, int64_t channels, int64_t sinusoids)
    : sinusoids_(sinusoids),
      in_(in.as(DType::Float32), sinusoids, channels),
      out_(out.as(DType::Float32), channels, channels) {}

Tensor SinusoidMlp::operator()(const Context& context, std::span<const double> values) const {
    const Tensor sinusoid = timestep_sinusoid(context, values, sinusoids_ / 2);
    return out_(context, in_(context, sinusoid, kernels::Activation::Silu));
}

AdaLayerNormSingle::AdaLayerNormSingle(const Scope& scope, int64_t channels)
    : channels_(channels),
      time_(scope / "emb.timestep_embedder.linear_1", scope / "emb.timestep_embedder.linear_2", channels),
      project_(scope.as(DType::Float32) / "linear", channels, 6 * channels) {}

TimeEmbedding AdaLayerNormSingle::operator()(const Context& context, std::span<const double> timesteps) const {
    const Tensor embedded = time_(context, timesteps);  // [steps, C]
    const Tensor projected = project_(context, kernels::activate(context, embedded, kernels::Activation::Silu));
    return {embedded, projected.reshape({projected.dim(0), 6, channels_})};
}

}  // namespace kine::dit
