// What the hardware offers and C++ has no words for: where a thread stands, barriers, exchange within a warp, 16-byte
// moves, matrix products. With hopper.cuh the only device header with names of CUDA's own. Tests put another file of
// this name before it that does the same on the host (tests/support/cuda), so kernels are checked without a GPU.
#pragma once

#include "runtime/tensor/dtype.h"

#include <cstdint>

namespace kine::kernels::cuda {

/// 16 bytes, the widest move of one thread.
struct Words {
    uint32_t word[4];
};

__device__ inline int thread_in_block() { return static_cast<int>(threadIdx.x); }
__device__ inline int threads_in_block() { return static_cast<int>(blockDim.x); }
__device__ inline int64_t block_x() { return blockIdx.x; }
__device__ inline int64_t block_y() { return blockIdx.y; }
__device__ inline int64_t blocks_x() { return gridDim.x; }

__device__ inline void sync_block() { __syncthreads(); }
__device__ inline void sync_warp() { __syncwarp(); }

/// The value of the lane whose number differs in the bits of `mask`. All 32 lanes call it.
__device__ inline float shuffle_xor(float value, int mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }

__device__ inline uint32_t bits_of(float value) { return __float_as_uint(value); }
__device__ inline float float_of(uint32_t bits) { return __uint_as_float(bits); }
/// An f16.
__device__ inline float float_of_half(uint16_t bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}

/// Two floats rounded to nearest even, to bf16 or to f16, `low` in the lower half.
template <class T>
__device__ uint32_t pack(float low, float high);
template <>
__device__ inline uint32_t pack<BFloat16>(float low, float high) {
    uint32_t packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
}
template <>
__device__ inline uint32_t pack<Float16>(float low, float high) {
    uint32_t packed;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
}

/// e^x, within a few units of the last place of what it returns.
__device__ inline float fast_exp(float x) { return __expf(x); }
/// e^x, correct to the last place or two.
__device__ inline float natural_exp(float x) { return expf(x); }
__device__ inline float natural_log(float x) { return logf(x); }
__device__ inline float inverse_square_root(float x) { return rsqrtf(x); }
__device__ inline float round_to_even(float x) { return rintf(x); }

/// At addresses that are multiples of 16.
__device__ inline Words load_words(const void* from) {
    const uint4 got = *static_cast<const uint4*>(from);
    return {{got.x, got.y, got.z, got.w}};
}
__device__ inline void store_words(void* to, const Words& words) {
    *static_cast<uint4*>(to) = make_uint4(words.word[0], words.word[1], words.word[2], words.word[3]);
}
/// At addresses that are multiples of 4.
__device__ inline uint32_t load_word(const void* from) { return *static_cast<const uint32_t*>(from); }
__device__ inline void store_word(void* to, uint32_t word) { *static_cast<uint32_t*>(to) = word; }

/// sums += a b of bf16 or f16: mma.m16n8k16, a 16 x 16 by rows, b 16 x 8 by columns, spread over a warp as the PTX
/// manual draws it. With g = lane / 4, t = lane % 4 and pairs along k: a is (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8,
/// 2t + 8); b is (2t, g), (2t + 8, g); sums are (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
template <class T>
__device__ void multiply_add(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);
template <>
__device__ inline void multiply_add<BFloat16>(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
template <>
__device__ inline void multiply_add<Float16>(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// Two 8 x 8 matrices of 16 bits from shared memory, transposed: ldmatrix. Lane i < 8 names row i of the first, lane
/// 8 <= i < 16 row i - 8 of the second; other lanes' `row` is not looked at, but must be valid. Lane (g, t) gets the
/// elements (2t, g) and (2t + 1, g) of each.
__device__ inline void load_transposed(uint32_t (&parts)[2], const void* row) {
    const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(parts[0]), "=r"(parts[1])
                 : "r"(address)
                 : "memory");
}

}  // namespace kine::kernels::cuda
