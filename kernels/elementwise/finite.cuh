// Looks for a value that is not finite. Who finds one writes the same number, so it does not matter who was last.
#pragma once

#include "kernels/cuda/vec.cuh"
#include "kernels/elementwise/finite_launch.h"

namespace kine::kernels::cuda {

/// An exponent of all ones.
__device__ inline bool is_finite_float(float value) { return (bits_of(value) & 0x7f800000u) != 0x7f800000u; }

template <class T>
__device__ void finite_block(const FiniteArguments& work) {
    const T* values = reinterpret_cast<const T*>(work.values);
    const int64_t begin = block_x() * kFiniteThreads * kFiniteValues + thread_in_block();
    bool is_finite = true;
#pragma unroll
    for (int i = 0; i < kFiniteValues; ++i) {
        const int64_t at = begin + int64_t{i} * kFiniteThreads;
        if (at < work.count) is_finite = is_finite && is_finite_float(widen(values[at]));
    }
    if (!is_finite) *work.found = 1;
}

}  // namespace kine::kernels::cuda
