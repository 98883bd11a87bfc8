// Eight elements at a time: how kernels move rows between memory and registers. Values are widened to f32 when loaded
// and rounded once when stored, as on the host.
#pragma once

#include "kernels/cuda/intrinsics.cuh"
#include "kernels/cuda/rows.h"
#include "runtime/tensor/dtype.h"

namespace kine::kernels::cuda {

struct Chunk {
    float value[kChunk];
};

__device__ inline float widen(float value) { return value; }
__device__ inline float widen(BFloat16 value) { return float_of(static_cast<uint32_t>(value.bits) << 16); }
__device__ inline float widen(Float16 value) { return float_of_half(value.bits); }

__device__ inline void narrow(float value, float& to) { to = value; }
/// bf16 or f16.
template <class T>
__device__ void narrow(float value, T& to) {
    to.bits = static_cast<uint16_t>(pack<T>(value, 0.0f) & 0xffffu);
}

/// What a value becomes by being stored as T and loaded again.
template <class T>
__device__ float rounded_to(float value) {
    T stored;
    narrow(value, stored);
    return widen(stored);
}

__device__ inline Chunk load_chunk(const float* from) {
    const Words low = load_words(from), high = load_words(from + 4);
    Chunk chunk;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        chunk.value[i] = float_of(low.word[i]);
        chunk.value[i + 4] = float_of(high.word[i]);
    }
    return chunk;
}

__device__ inline Chunk load_chunk(const BFloat16* from) {
    const Words words = load_words(from);
    Chunk chunk;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        chunk.value[2 * i] = float_of(words.word[i] << 16);
        chunk.value[2 * i + 1] = float_of(words.word[i] & 0xffff0000u);
    }
    return chunk;
}

__device__ inline Chunk load_chunk(const Float16* from) {
    const Words words = load_words(from);
    Chunk chunk;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        chunk.value[2 * i] = float_of_half(static_cast<uint16_t>(words.word[i] & 0xffffu));
        chunk.value[2 * i + 1] = float_of_half(static_cast<uint16_t>(words.word[i] >> 16));
    }
    return chunk;
}

__device__ inline void store_chunk(float* to, const Chunk& chunk) {
    Words low, high;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        low.word[i] = bits_of(chunk.value[i]);
        high.word[i] = bits_of(chunk.value[i + 4]);
    }
    store_words(to, low);
    store_words(to + 4, high);
}

template <class T>
__device__ void store_chunk(T* to, const Chunk& chunk) {
    Words words;
#pragma unroll
    for (int i = 0; i < 4; ++i) words.word[i] = pack<T>(chunk.value[2 * i], chunk.value[2 * i + 1]);
    store_words(to, words);
}

/// The elements [first, first + 8) of a row, zero where it has ended. `by_words`: the row begins at a multiple of 16
/// bytes and its width is a multiple of eight.
template <class T>
__device__ Chunk load_part(const T* row, int first, int width, bool by_words) {
    if (by_words && first < width) return load_chunk(row + first);
    Chunk chunk;
#pragma unroll
    for (int i = 0; i < kChunk; ++i) chunk.value[i] = first + i < width ? widen(row[first + i]) : 0.0f;
    return chunk;
}

template <class T>
__device__ void store_part(T* row, int first, int width, bool by_words, const Chunk& chunk) {
    if (by_words && first < width) return store_chunk(row + first, chunk);
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
        if (first + i < width) narrow(chunk.value[i], row[first + i]);
    }
}

/// Part of the table's row for this row of the tensor.
__device__ inline Chunk load_part(const RowTable& table, int64_t row, int first, int width, bool by_words) {
    return load_part(table.values + row / table.rows_per_group * table.stride, first, width, by_words);
}

}  // namespace kine::kernels::cuda
