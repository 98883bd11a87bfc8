// How a transformer is told the time: sinusoids, a small MLP and, for adaLN-single, one projection for all blocks.
#pragma once

#include "dit/modules/linear.h"

#include <span>

namespace kine::dit {

/// [cos(t f), sin(t f)], f_k = 10000^(-k / half) -> [steps, 2 half], in float32 in the order of the reference.
Tensor timestep_sinusoid(const Context& context, std::span<const double> timesteps, int64_t half);

/// A sinusoid through linear, SiLU, linear: time, frame rate, guidance. Always f32: it is tiny, and every activation of
/// the model is scaled by it.
class SinusoidMlp {
  public:
    SinusoidMlp(const Scope& in, const Scope& out, int64_t channels, int64_t sinusoids = 256);

    Tensor operator()(const Context& context, std::span<const double> values) const;  // [values, C]

  private:
    int64_t sinusoids_;
    Linear in_;
    Linear out_;
};

struct TimeEmbedding {
    Tensor embedded;    // [steps, C]
    Tensor modulation;  // [steps, 6, C]
};

/// AdaLayerNormSingle: emb.timestep_embedder.{linear_1, linear_2} and linear under `scope`. Always f32.
class AdaLayerNormSingle {
  public:
    AdaLayerNormSingle(const Scope& scope, int64_t channels);

    TimeEmbedding operator()(const Context& context, std::span<const double> timesteps) const;

  private:
    int64_t channels_;
    SinusoidMlp time_;
    Linear project_;
};

}  // namespace kine::dit
