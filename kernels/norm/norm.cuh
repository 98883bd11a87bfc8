// Residual, gate, norm and modulation in one pass: a row is read once, stays in registers for both statistics, and is
// written as the new residual and as the modulated row. Unfused, the same takes four reads and three writes.
#pragma once

#include "kernels/cuda/vec.cuh"
#include "kernels/cuda/warp.cuh"
#include "kernels/norm/norm_launch.h"

namespace kine::kernels::cuda {

/// The part of the residual sum, rounded as it is stored: what follows sees what a separate op would have read.
template <class T, bool kByWords>
__device__ Chunk residual_part(const NormArguments<T>& norm, int64_t row, int first) {
    const int64_t begin = norm.places.at(row);
    Chunk part = load_part(norm.x + begin, first, norm.width, kByWords);
    if (!norm.y) return part;
    const Chunk branch = load_part(norm.y + begin, first, norm.width, kByWords);
    Chunk gate;
    if (norm.gate.values) gate = load_part(norm.gate, row, first, norm.width, kByWords);
#pragma unroll
    for (int i = 0; i < kChunk; ++i)
        part.value[i] = rounded_to<T>(part.value[i] + (norm.gate.values ? gate.value[i] : 1.0f) * branch.value[i]);
    store_part(norm.sum + begin, first, norm.width, kByWords, part);
    return part;
}

/// part * (base + factor) + offset, where there are such.
template <bool kByWords>
__device__ void apply_rows(Chunk& part, const RowTable& factor, const RowTable& offset, float base, int64_t row,
                           int first, int width) {
    if (factor.values) {
        const Chunk by = load_part(factor, row, first, width, kByWords);
#pragma unroll
        for (int i = 0; i < kChunk; ++i) part.value[i] *= base + by.value[i];
    }
    if (offset.values) {
        const Chunk by = load_part(offset, row, first, width, kByWords);
#pragma unroll
        for (int i = 0; i < kChunk; ++i) part.value[i] += by.value[i];
    }
}

/// A row by kWarps warps, of which this thread is number `thread`.
template <class T, int kWarps, bool kByWords>
__device__ void norm_row(const NormArguments<T>& norm, int64_t row, int thread, float* scratch) {
    constexpr int kStep = kWarps * kWarp * kChunk;
    const auto width = static_cast<float>(norm.width);
    Chunk held[kNormChunks];
    float total = 0.0f;
#pragma unroll
    for (int c = 0; c < kNormChunks; ++c) {
        held[c] = residual_part<T, kByWords>(norm, row, c * kStep + thread * kChunk);
#pragma unroll
        for (int i = 0; i < kChunk; ++i) total += held[c].value[i];
    }
    const float mean = norm.subtracts_mean ? sum_over_warps<kWarps>(total, scratch) / width : 0.0f;
    float squares = 0.0f;
#pragma unroll
    for (int c = 0; c < kNormChunks; ++c) {
#pragma unroll
        for (int i = 0; i < kChunk; ++i) {
            const bool is_there = c * kStep + thread * kChunk + i < norm.width;
            held[c].value[i] -= mean;
            squares += is_there ? held[c].value[i] * held[c].value[i] : 0.0f;
        }
    }
    const float inverse = inverse_square_root(sum_over_warps<kWarps>(squares, scratch) / width + norm.eps);
#pragma unroll
    for (int c = 0; c < kNormChunks; ++c) {
        const int first = c * kStep + thread * kChunk;
        if (first >= norm.width) continue;
#pragma unroll
        for (int i = 0; i < kChunk; ++i) held[c].value[i] *= inverse;
        apply_rows<kByWords>(held[c], norm.weight, norm.bias, 0.0f, row, first, norm.width);
        apply_rows<kByWords>(held[c], norm.scale, norm.shift, 1.0f, row, first, norm.width);
        store_part(norm.out + norm.places.at(row), first, norm.width, kByWords, held[c]);
    }
}

/// What one block does; kWarps is norm_warps(width, kByWords), `scratch` its shared memory.
template <class T, int kWarps, bool kByWords>
__device__ void norm_block(const NormArguments<T>& norm, float* scratch) {
    if constexpr (kWarps == 1) {
        const int64_t row = block_x() * kNormRowsPerBlock + warp_in_block();
        if (row < norm.rows) norm_row<T, 1, kByWords>(norm, row, lane(), scratch);  // a whole warp at once, or not
    } else {
        norm_row<T, kWarps, kByWords>(norm, block_x(), thread_in_block(), scratch);
    }
}

}  // namespace kine::kernels::cuda
