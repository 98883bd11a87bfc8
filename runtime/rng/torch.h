// The numbers that torch.randn draws from a CPU generator in float32, so that a seed gives the video it gives there.
#pragma once

#include "runtime/rng/noise.h"

#include <optional>
#include <random>

namespace kine {

class TorchNoise final : public Noise {
  public:
    /// PyTorch seeds its generator with the low 32 bits.
    explicit TorchNoise(uint64_t seed) : words_(static_cast<uint32_t>(seed)) {}

    Tensor normal(const Context& context, const Shape& shape) override;

  private:
    float uniform_float();
    double uniform_double();
    float single();
    void fill_uniform(float* values, int64_t count);

    std::mt19937 words_;
    std::optional<double> kept_;  // second value of the last pair, left for the next single draw
};

}  // namespace kine
