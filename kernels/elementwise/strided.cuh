// Arithmetic element by element over views. Bound by bytes: eight elements a thread, 16 bytes at a time wherever they
// lie side by side.
#pragma once

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/vec.cuh"
#include "kernels/elementwise/strided_launch.h"

namespace kine::kernels::cuda {

/// Elements from the beginning of the operand to the beginning of row `row` of the last axis.
__device__ inline int64_t row_offset(const StridedArguments& work, const StridedOperand& operand, int64_t row) {
    int64_t offset = 0;
    for (int axis = work.axes - 2; axis >= 0; --axis) {
        offset += row % work.sizes[axis] * operand.strides[axis];
        row /= work.sizes[axis];
    }
    return offset;
}

template <class T>
__device__ Chunk load_strided(const T* row, int64_t stride, int64_t first, int count, bool by_words) {
    if (stride == 1) return load_part(row + first, 0, count, by_words);
    Chunk chunk;
#pragma unroll
    for (int i = 0; i < kChunk; ++i) chunk.value[i] = i < count ? widen(row[(first + i) * stride]) : 0.0f;
    return chunk;
}

/// The eight elements of a row that begin at `first`; zeros of an operand that is absent.
__device__ inline Chunk load_operand(const StridedArguments& work, const StridedOperand& operand, int64_t row,
                                     int64_t first, int count) {
    Chunk chunk = {};
    if (!operand.data) return chunk;
    const int64_t stride = operand.strides[work.axes - 1];
    const int64_t offset = row_offset(work, operand, row);
    if (operand.dtype == DType::Float32)
        return load_strided(reinterpret_cast<const float*>(operand.data) + offset, stride, first, count, work.by_words);
    if (operand.dtype == DType::BFloat16)
        return load_strided(reinterpret_cast<const BFloat16*>(operand.data) + offset, stride, first, count,
                            work.by_words);
    return load_strided(reinterpret_cast<const Float16*>(operand.data) + offset, stride, first, count, work.by_words);
}

template <class T>
__device__ void store_strided(T* row, int64_t stride, int64_t first, int count, bool by_words, const Chunk& chunk) {
    if (stride == 1) return store_part(row + first, 0, count, by_words, chunk);
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
        if (i < count) narrow(chunk.value[i], row[(first + i) * stride]);
    }
}

__device__ inline void store_levels(uint8_t* row, int64_t stride, int64_t first, int count, const Chunk& chunk) {
    for (int i = 0; i < count; ++i) row[(first + i) * stride] = static_cast<uint8_t>(chunk.value[i]);
}

__device__ inline void store_result(const StridedArguments& work, int64_t row, int64_t first, int count,
                                    const Chunk& chunk) {
    const int64_t stride = work.out.strides[work.axes - 1];
    const int64_t offset = row_offset(work, work.out, row);
    if (work.out.dtype == DType::UInt8) {
        store_levels(reinterpret_cast<uint8_t*>(work.out.data) + offset, stride, first, count, chunk);
    } else if (work.out.dtype == DType::Float32) {
        store_strided(reinterpret_cast<float*>(work.out.data) + offset, stride, first, count, work.by_words, chunk);
    } else if (work.out.dtype == DType::BFloat16) {
        store_strided(reinterpret_cast<BFloat16*>(work.out.data) + offset, stride, first, count, work.by_words, chunk);
    } else {
        store_strided(reinterpret_cast<Float16*>(work.out.data) + offset, stride, first, count, work.by_words, chunk);
    }
}

/// Not a number goes to 0.
__device__ inline float level_of(float value) { return round_to_even(fminf(fmaxf(value, 0.0f), 255.0f)); }

__device__ inline float apply(const StridedArguments& work, float a, float b, float c) {
    switch (work.op) {
        case StridedOp::Copy:
            return a;
        case StridedOp::Scale:
            return a * work.p + work.q;
        case StridedOp::Clamp:
            return a < work.p ? work.p : a > work.q ? work.q : a;
        case StridedOp::Silu:
            return silu(a);
        case StridedOp::GeluTanh:
            return gelu_tanh(a);
        case StridedOp::GeluTanhGate:
            return gelu_tanh(a) * b;
        case StridedOp::Multiply:
            return a * b;
        case StridedOp::Combine:
            return work.p * a + work.q * b;
        case StridedOp::MultiplyAdd:
            return a + b * c;
        case StridedOp::MultiplyAddSilu:
            return silu(a + b * c);
        case StridedOp::RmsScale:
            return a * inverse_square_root(work.p * b + work.q) * c;
        case StridedOp::Levels:
            return level_of(a * work.p);
    }
    return 0.0f;
}

/// What one block does.
__device__ inline void strided_block(const StridedArguments& work) {
    const int64_t chunks = divide_up(work.last(), kChunk);
    const int64_t own = block_x() * kStridedThreads + thread_in_block();
    const int64_t row = own / chunks, first = own % chunks * kChunk;
    if (row >= work.rows()) return;
    const int64_t left = work.last() - first;
    const int count = left < kChunk ? static_cast<int>(left) : kChunk;
    Chunk a = load_operand(work, work.a, row, first, count);
    const Chunk b = load_operand(work, work.b, row, first, count);
    const Chunk c = load_operand(work, work.c, row, first, count);
#pragma unroll
    for (int i = 0; i < kChunk; ++i) a.value[i] = apply(work, a.value[i], b.value[i], c.value[i]);
    store_result(work, row, first, count, a);
}

/// What one block of a copy of whole items does.
template <class Item>
__device__ void strided_copy_block(const StridedArguments& work) {
    const int64_t own = block_x() * kStridedThreads + thread_in_block();
    const int64_t row = own / work.last(), at = own % work.last();
    if (row >= work.rows()) return;
    const auto* from = reinterpret_cast<const Item*>(work.a.data) + row_offset(work, work.a, row);
    auto* to = reinterpret_cast<Item*>(work.out.data) + row_offset(work, work.out, row);
    to[at * work.out.strides[work.axes - 1]] = from[at * work.a.strides[work.axes - 1]];
}

}  // namespace kine::kernels::cuda
