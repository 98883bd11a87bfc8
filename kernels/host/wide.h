// Sixteen floats at a time, for processors with AVX-512 (runtime/device/host/processor.h tells). What uses this stands
// between the same #pragma lines as this, in a .cpp file, and shares no template with other files: the linker keeps one
// copy of what two files share, and that one must run on every processor (tests/instructions).
// As in simd.h, a tail goes through the same lanes: an element's bits never depend on where in a row it lies.
#pragma once

#include "kernels/host/simd.h"

#include <immintrin.h>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

inline constexpr int64_t kWideLanes = 16;

using Wide = __m512;

/// The first `count` lanes, all of them from 16 on.
inline __mmask16 first_lanes(int64_t count) {
    return count >= kWideLanes ? __mmask16(0xffff) : static_cast<__mmask16>((1u << count) - 1u);
}

inline Wide wide(float value) { return _mm512_set1_ps(value); }

inline Wide load_wide(const float* from) { return _mm512_loadu_ps(from); }
inline Wide load_wide(const float* from, __mmask16 lanes) { return _mm512_maskz_loadu_ps(lanes, from); }
inline void store(float* to, Wide v) { _mm512_storeu_ps(to, v); }
inline void store(float* to, Wide v, __mmask16 lanes) { _mm512_mask_storeu_ps(to, lanes, v); }

inline Wide widened(__m256i halves) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
inline Wide load_wide(const BFloat16* from) {
    return widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
inline Wide load_wide(const BFloat16* from, __mmask16 lanes) { return widened(_mm256_maskz_loadu_epi16(lanes, from)); }

/// Rounds to nearest even and keeps NaN a NaN, as BFloat16(float) does.
inline __m256i rounded(Wide v) {
    const __m512i raw = _mm512_castps_si512(v);
    const __m512i high = _mm512_srli_epi32(raw, 16);
    const __m512i last = _mm512_and_si512(high, _mm512_set1_epi32(1));
    const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(raw, _mm512_set1_epi32(0x7fff)), last);
    const __mmask16 is_nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    const __m512i halves = _mm512_mask_or_epi32(_mm512_srli_epi32(sum, 16), is_nan, high, _mm512_set1_epi32(0x40));
    return _mm512_cvtepi32_epi16(halves);
}
inline void store(BFloat16* to, Wide v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), rounded(v)); }
inline void store(BFloat16* to, Wide v, __mmask16 lanes) { _mm256_mask_storeu_epi16(to, lanes, rounded(v)); }

/// As above with the instructions that processors with AMX have for it (no others may call it); subnormals become zero.
inline __m256i rounded_amx(Wide v) {
    const __m256bh halves = _mm512_cvtneps_pbh(v);
    __m256i bits;
    std::memcpy(&bits, &halves, sizeof bits);
    return bits;
}

inline Wide max(Wide a, Wide b) { return _mm512_max_ps(a, b); }  // b where either is a NaN
inline Wide min(Wide a, Wide b) { return _mm512_min_ps(a, b); }

/// Where 2^x is no subnormal number, or x a NaN: to make one takes the processor a hundred times as long.
inline __mmask16 has_normal_power(Wide x) { return _mm512_cmp_ps_mask(x, wide(-126.0f), _CMP_NLT_UQ); }

/// 2^x within 2 units in the last place for x up to 127; 0 below -126.
inline Wide exp2_of(Wide x) {
    const __mmask16 is_normal = has_normal_power(x);
    const Wide whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const Wide r = _mm512_maskz_sub_ps(is_normal, x, whole);  // exact; |r| <= 1/2
    Wide p = wide(1.32764668e-3f);                            // minimax in relative error: 7.5e-8
    p = p * r + 9.67554131e-3f;
    p = p * r + 5.55071329e-2f;
    p = p * r + 2.40221197e-1f;
    p = p * r + 6.93146967e-1f;
    p = p * r + 1.0f;
    return _mm512_maskz_scalef_ps(is_normal, p, whole);
}

/// The same within 3e-6 of itself, for what is rounded to bf16 next. scalef takes the whole part by itself, downwards.
inline Wide rough_exp2_of(Wide x) {
    const Wide r = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);  // 0 <= r < 1; 0 of infinities
    Wide p = wide(1.35341637e-2f);
    p = p * r + 5.20114687e-2f;
    p = p * r + 2.41442752e-1f;
    p = p * r + 6.93003835e-1f;
    p = p * r + 1.00000259f;
    return _mm512_maskz_scalef_ps(has_normal_power(x), p, x);
}

/// x / (1 + e^-y) within 3 units in the last place; 0 for y below -80.
inline Wide times_sigmoid(Wide x, Wide y) {
    constexpr float kLog2E = 1.44269504f;
    const __mmask16 counts = _mm512_cmp_ps_mask(y, wide(-80.0f), _CMP_NLT_UQ);  // a NaN does
    const Wide divisor = exp2_of(min(wide(80 * kLog2E), y * -kLog2E)) + 1.0f;
    const Wide guess = _mm512_rcp14_ps(divisor);
    const Wide inverse = guess * (2.0f - divisor * guess);  // Newton's step doubles the 14 bits
    return _mm512_maskz_mul_ps(counts, x, inverse);
}

inline Wide silu(Wide x) { return times_sigmoid(x, x); }

/// As simd.h has it: x / 2 * (1 + tanh(u)) is x sigmoid(2 u).
inline Wide gelu_tanh(Wide x) {
    constexpr float kTwice = 1.59576912f;
    return times_sigmoid(x, kTwice * x * (1.0f + 0.044715f * x * x));
}

}  // namespace kine::kernels

#pragma GCC pop_options
