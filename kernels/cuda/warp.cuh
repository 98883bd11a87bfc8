// Sums and maxima over lanes and warps. Every lane gets the result, and the order of the sum follows from the numbers
// of lanes and warps alone, so the same launch gives the same bits.
#pragma once

#include "kernels/cuda/intrinsics.cuh"
#include "kernels/cuda/rows.h"

#include <cmath>

namespace kine::kernels::cuda {

__device__ inline int lane() { return thread_in_block() % kWarp; }
__device__ inline int warp_in_block() { return thread_in_block() / kWarp; }

/// As two floats, which have 48 of the 53 bits.
__device__ inline double shuffle_xor(double value, int mask) {
    const auto high = static_cast<float>(value);
    const auto low = static_cast<float>(value - static_cast<double>(high));
    return static_cast<double>(shuffle_xor(high, mask)) + static_cast<double>(shuffle_xor(low, mask));
}

/// Over each run of kLanes lanes, a power of two.
template <int kLanes>
__device__ float sum_over(float value) {
#pragma unroll
    for (int mask = kLanes / 2; mask > 0; mask /= 2) value += shuffle_xor(value, mask);
    return value;
}

template <int kLanes>
__device__ float max_over(float value) {
#pragma unroll
    for (int mask = kLanes / 2; mask > 0; mask /= 2) value = fmaxf(value, shuffle_xor(value, mask));
    return value;
}

/// Over the kWarps warps of a block; `scratch` is kWarps floats of shared memory. One warp needs neither barrier nor
/// scratch, and then each warp of a block sums for itself.
template <int kWarps>
__device__ float sum_over_warps(float value, float* scratch) {
    value = sum_over<kWarp>(value);
    if constexpr (kWarps > 1) {
        sync_block();  // until all have read an earlier sum
        if (lane() == 0) scratch[warp_in_block()] = value;
        sync_block();
        value = 0.0f;
#pragma unroll
        for (int i = 0; i < kWarps; ++i) value += scratch[i];
    }
    return value;
}

}  // namespace kine::kernels::cuda
