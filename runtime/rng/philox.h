// Noise from counters: element i of draw n is a function of (seed, n, i), so threads can fill any part in any order.
#pragma once

#include "runtime/rng/noise.h"

namespace kine {

class PhiloxNoise final : public Noise {
  public:
    explicit PhiloxNoise(uint64_t seed) : seed_(seed) {}

    Tensor normal(const Context& context, const Shape& shape) override;

  private:
    uint64_t seed_;
    uint64_t draws_ = 0;
};

}  // namespace kine
