// Rows to columns in registers of sixteen words.
#pragma once

#include "kernels/host/wide.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

/// to[i * stride ... + 16 words] = column i of 16 x 16 words: pairs and quads within the quarters of a register, then
/// the quarters.
template <class T>
void store_transposed(const __m512i (&rows)[16], T* to, int64_t stride) {
    __m512i pairs[16], quads[16];
    for (int i = 0; i < 16; i += 2) {
        pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        for (int j = 0; j < 2; ++j) {
            quads[i + 2 * j] = _mm512_unpacklo_epi64(pairs[i + j], pairs[i + j + 2]);
            quads[i + 2 * j + 1] = _mm512_unpackhi_epi64(pairs[i + j], pairs[i + j + 2]);
        }
    }
    constexpr int kEven = 0x88, kOdd = 0xdd;  // quarters 0 and 2, or 1 and 3, of either operand
    for (int j = 0; j < 4; ++j) {
        const __m512i upper_even = _mm512_shuffle_i32x4(quads[j], quads[j + 4], kEven);
        const __m512i upper_odd = _mm512_shuffle_i32x4(quads[j], quads[j + 4], kOdd);
        const __m512i lower_even = _mm512_shuffle_i32x4(quads[j + 8], quads[j + 12], kEven);
        const __m512i lower_odd = _mm512_shuffle_i32x4(quads[j + 8], quads[j + 12], kOdd);
        _mm512_storeu_si512(to + j * stride, _mm512_shuffle_i32x4(upper_even, lower_even, kEven));
        _mm512_storeu_si512(to + (j + 4) * stride, _mm512_shuffle_i32x4(upper_odd, lower_odd, kEven));
        _mm512_storeu_si512(to + (j + 8) * stride, _mm512_shuffle_i32x4(upper_even, lower_even, kOdd));
        _mm512_storeu_si512(to + (j + 12) * stride, _mm512_shuffle_i32x4(upper_odd, lower_odd, kOdd));
    }
}

}  // namespace kine::kernels

#pragma GCC pop_options
