// Activations for products in eight bits: a scale for each token, so that an outlier costs its own row alone.
#pragma once

#include "kernels/cuda/vec.cuh"
#include "kernels/cuda/warp.cuh"
#include "kernels/linear/fp8_rows_launch.h"

namespace kine::kernels::cuda {

/// The largest magnitude of a row; NaN where one is not finite, which fmaxf would forget.
__device__ inline float largest_of_row(const Fp8RowsArguments& work, const BFloat16* row) {
    float largest = 0.0f, strange = 0.0f;
    for (int first = lane() * kChunk; first < work.width; first += kWarp * kChunk) {
        const Chunk part = load_part(row, first, work.width, work.by_words);
#pragma unroll
        for (int i = 0; i < kChunk; ++i) {
            largest = fmaxf(largest, fabsf(part.value[i]));
            strange += part.value[i] * 0.0f;
        }
    }
    return max_over<kWarp>(largest) + sum_over<kWarp>(strange);
}

__device__ inline void fp8_rows_block(const Fp8RowsArguments& work) {
    const int64_t number = block_x() * kFp8RowsPerBlock + warp_in_block();
    if (number >= work.rows) return;  // a whole warp
    const BFloat16* row = work.x + number * work.stride;
    const auto [scale, inverse] = fp8_scale(largest_of_row(work, row));
    if (lane() == 0) work.scales[number] = scale;
    for (int first = lane() * kChunk; first < work.width; first += kWarp * kChunk) {
        const Chunk part = load_part(row, first, work.width, work.by_words);
#pragma unroll
        for (int i = 0; i < kChunk; ++i) {
            if (first + i < work.width)
                work.values[number * work.width + first + i] = Float8E4M3::nearest(part.value[i] * inverse);
        }
    }
}

}  // namespace kine::kernels::cuda
