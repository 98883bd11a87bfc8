// A sampler turns predictions into the next latents. Made for one run: a number of steps over one schedule.
#pragma once

#include "runtime/context.h"
#include "runtime/rng/noise.h"
#include "runtime/tensor/tensor.h"

#include <memory>
#include <vector>

namespace kine::dit {

/// One thread at a time; multistep samplers remember earlier predictions.
class Sampler {
  public:
    virtual ~Sampler() = default;

    /// What the model is told, in the order of the steps, on the scale of the training (0..1000).
    virtual const std::vector<double>& timesteps() const = 0;
    /// Noise levels where the method has them, steps + 1 values with the last one; else empty.
    virtual const std::vector<double>& sigmas() const = 0;
    /// Initial latents are unit noise times this.
    virtual double initial_scale() const { return 1.0; }
    /// What the model sees at step `index`; the latents themselves for most.
    virtual Tensor model_input(const Context&, int, const Tensor& latents) const { return latents; }
    /// Latents after step `index`. prediction and latents f32, same shape. `noise` is drawn from only by stochastic
    /// ones.
    virtual Tensor step(const Context& context, int index, const Tensor& prediction, const Tensor& latents,
                        Noise& noise) = 0;
};

}  // namespace kine::dit
