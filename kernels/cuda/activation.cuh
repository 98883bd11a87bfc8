// Activations of one value.
#pragma once

#include "kernels/cuda/intrinsics.cuh"

namespace kine::kernels::cuda {

__device__ inline float silu(float x) { return x / (1.0f + fast_exp(-x)); }

/// x / 2 * (1 + tanh(u)), u = sqrt(2 / pi) * (x + 0.044715 x^3), as x * sigmoid(2 u): no cancellation for negative x.
__device__ inline float gelu_tanh(float x) {
    constexpr float kTwice = 1.59576912f;
    return x / (1.0f + fast_exp(-kTwice * x * (1.0f + 0.044715f * x * x)));
}

}  // namespace kine::kernels::cuda
