// Eight floats at a time, written with the compiler's vector types, so that the same lines run on any processor.
// A tail goes through the same eight lanes, padded: an element's bits never depend on where in a row it lies.
#pragma once

#include "runtime/tensor/dtype.h"

#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

namespace kine::kernels {

inline constexpr int64_t kLanes = 8;

using Float8 [[gnu::vector_size(32)]] = float;
using Int8 [[gnu::vector_size(32)]] = int32_t;
using Word8 [[gnu::vector_size(32)]] = uint32_t;
using Half8 [[gnu::vector_size(16)]] = uint16_t;

// Spelled out, since zero + value would be an addition: it turns -0 into 0.
inline Float8 splat(float value) { return Float8{value, value, value, value, value, value, value, value}; }

inline Float8 load(const float* from) {
    Float8 lanes;
    std::memcpy(&lanes, from, sizeof lanes);
    return lanes;
}
inline void store(float* to, Float8 lanes) { std::memcpy(to, &lanes, sizeof lanes); }

inline Float8 load(const BFloat16* from) {
    Half8 halves;
    std::memcpy(&halves, from, sizeof halves);
    return (Float8)(__builtin_convertvector(halves, Word8) << 16);
}
/// Rounds to nearest even and keeps NaN a NaN, as BFloat16(float) does.
inline void store(BFloat16* to, Float8 lanes) {
    const Word8 raw = (Word8)lanes;
    const Word8 rounded = (raw + 0x7fffu + ((raw >> 16) & 1u)) >> 16;
    const Word8 quiet = (raw >> 16) | 0x40u;
    const Half8 halves = __builtin_convertvector(lanes == lanes ? rounded : quiet, Half8);
    std::memcpy(static_cast<void*>(to), &halves, sizeof halves);
}

/// The first `count` < 8 elements; the other lanes are zero.
template <class T>
Float8 load_first(const T* from, int64_t count) {
    T padded[kLanes] = {};
    std::memcpy(static_cast<void*>(padded), from, static_cast<size_t>(count) * sizeof(T));
    return load(padded);
}
template <class T>
void store_first(T* to, int64_t count, Float8 lanes) {
    T padded[kLanes];
    store(padded, lanes);
    std::memcpy(static_cast<void*>(to), padded, static_cast<size_t>(count) * sizeof(T));
}

/// out[i] = function(in[i]...) for i in [0, count). `out` may be one of `in`.
template <class Out, class Function, class... In>
void map_lanes(int64_t count, Out* out, const Function& function, const In*... in) {
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) store(out + i, function(load(in + i)...));
    if (i < count) store_first(out + i, count - i, function(load_first(in + i, count - i)...));
}

/// Calls body(0) ... body(Count - 1) with compile-time constants: an array that is only indexed by such constants lives
/// in registers, where a loop would make the compiler keep it in memory.
template <int Count, class Body>
[[gnu::always_inline]] inline void unrolled(const Body& body) {
    [&]<int... i>(std::integer_sequence<int, i...>) { (body(std::integral_constant<int, i>()), ...); }
    (std::make_integer_sequence<int, Count>());
}

inline Float8 max(Float8 a, Float8 b) { return a > b ? a : b; }

inline float sum_of(Float8 v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }
inline float max_of(Float8 v) {
    float largest = v[0];
    for (int lane = 1; lane < kLanes; ++lane) largest = v[lane] > largest ? v[lane] : largest;
    return largest;
}

/// Sum of function(in[i]...) in a fixed order: four chains of eight lanes. `function` must map zeros to zero.
template <class Function, class... In>
float sum_lanes(int64_t count, const Function& function, const In*... in) {
    Float8 sums[4] = {};
    int64_t i = 0;
    for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
        for (int64_t chain = 0; chain < 4; ++chain) sums[chain] += function(load(in + i + chain * kLanes)...);
    }
    for (; i + kLanes <= count; i += kLanes) sums[0] += function(load(in + i)...);
    if (i < count) sums[1] += function(load_first(in + i, count - i)...);
    return sum_of((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

inline Float8 power_of_two(Int8 exponent) { return (Float8)((exponent + 127) << 23); }

/// x = n ln(2) + rest with |rest| <= ln(2) / 2. The whole number n stands in the low bits of `shifted`.
struct Logarithms {
    Float8 shifted, rest;
};

inline Logarithms reduce(Float8 x) {
    constexpr float kLog2E = 1.44269504f;
    constexpr float kLn2High = 0.693359375f;  // 9 bits, so that n * high is exact
    constexpr float kLn2Low = -2.12194440e-4f;
    constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
    const Float8 shifted = x * kLog2E + kRounder;
    const Float8 n = shifted - kRounder;
    return {shifted, (x - n * kLn2High) - n * kLn2Low};
}

/// (e^r - 1 - r) / r^2, Taylor to r^5: what it leaves out of e^r is below 2^-27 for |r| <= ln(2) / 2.
inline Float8 exp_beyond_line(Float8 r) {
    Float8 p = splat(1.98412698e-4f);
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333377e-3f;
    p = p * r + 4.16666679e-2f;
    p = p * r + 1.66666672e-1f;
    return p * r + 0.5f;
}

/// e^x within 2 units in the last place, down to the subnormals; 0 for -infinity, infinity above 88.7.
inline Float8 exp(Float8 x) {
    const Float8 low = splat(-104.0f);
    const Float8 high = splat(89.0f);
    const auto [shifted, r] = reduce(x < low ? low : (x > high ? high : x));  // NaN passes both comparisons
    const Float8 p = exp_beyond_line(r) * r * r + r + 1.0f;
    const Int8 exponent = (Int8)shifted - 0x4b400000;
    const Int8 half = exponent >> 1;  // two steps: 2^128 and 2^-150 are no floats of their own
    return p * power_of_two(half) * power_of_two(exponent - half);
}

/// e^x of x <= 0 within 2 units in the last place, in half the steps; 0 below -87, where subnormals would begin.
inline Float8 exp_of_negative(Float8 x) {
    const auto [shifted, r] = reduce(x);
    const Float8 p = (exp_beyond_line(r) * r + 1.0f) * r + 1.0f;
    // Moved up, n adds to the exponent of p, which is between 2^-1 and 2. Sums that wrap around are of x below -87.
    const Float8 result = (Float8)((Word8)p + ((Word8)shifted << 23));
    return x < splat(-87.0f) ? Float8{} : result;  // NaN stays
}

inline Float8 sigmoid(Float8 x) { return 1.0f / (1.0f + exp(-x)); }
inline Float8 silu(Float8 x) { return x / (1.0f + exp(-x)); }

/// x / 2 * (1 + tanh(u)), u = sqrt(2 / pi) * (x + 0.044715 x^3), as x * sigmoid(2 u): no cancellation for negative x.
inline Float8 gelu_tanh(Float8 x) {
    constexpr float kTwice = 1.59576912f;
    const Float8 inner = x * (1.0f + 0.044715f * x * x);
    return x / (1.0f + exp(-kTwice * inner));
}

}  // namespace kine::kernels
