// PyTorch vectorises the logarithm, sine and cosine with the single-precision polynomials of the Cephes library (S. L.
// Moshier, 1989) and fused multiply-adds. libm's functions are closer to the truth but differ in the last bit of one
// number in six, which a sampler then carries into the picture. Every std::fma below is a rounding that matters.
#include "runtime/rng/box_muller.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace kine {

namespace {

template <class... Coefficients>
float polynomial(float x, float first, Coefficients... rest) {
    float sum = first;
    ((sum = std::fma(sum, x, rest)), ...);
    return sum;
}

/// Natural logarithm of a normal positive number.
float log_cephes(float x) {
    constexpr float kLn2High = 0.693359375f;  // exact in few bits, so that its multiples are exact
    constexpr float kLn2Low = -2.12194440e-4f;
    constexpr float kRootHalf = 0.70710678118654752440f;
    const auto raw = std::bit_cast<uint32_t>(x);
    const float mantissa = std::bit_cast<float>((raw & 0x007fffffu) | 0x3f000000u);  // in [0.5, 1)
    const bool is_small = mantissa < kRootHalf;
    const float exponent = static_cast<float>(static_cast<int>(raw >> 23) - (is_small ? 127 : 126));
    const float t = is_small ? (mantissa - 1.0f) + mantissa : mantissa - 1.0f;
    const float square = t * t;
    const float series =
        polynomial(t, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f,
                   -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f);
    float correction = std::fma(series * t, square, exponent * kLn2Low);
    correction = std::fma(square, -0.5f, correction);
    return std::fma(exponent, kLn2High, t + correction);
}

struct SineCosine {
    float sine;
    float cosine;
};

/// Of an angle from 0 to 2 pi.
SineCosine sine_cosine_cephes(float angle) {
    constexpr float kFourOverPi = 1.27323954473516f;
    const uint32_t octant = (static_cast<uint32_t>(angle * kFourOverPi) + 1u) & ~1u;  // the nearest even one
    const auto count = static_cast<float>(octant);
    float x = std::fma(count, -0.78515625f, angle);  // pi / 4 in three parts
    x = std::fma(count, -2.4187564849853515625e-4f, x);
    x = std::fma(count, -3.77489497744594108e-8f, x);
    const float square = x * x;

    const float even = polynomial(square, 2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f);
    const float cosine = std::fma(even * square, square, square * -0.5f) + 1.0f;
    const float odd = polynomial(square, -1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f);
    const float sine = std::fma(odd * square, x, x);

    const bool is_swapped = (octant & 2u) != 0;
    const float sine_sign = (octant & 4u) != 0 ? -1.0f : 1.0f;
    const float cosine_sign = ((octant - 2u) & 4u) != 0 ? 1.0f : -1.0f;
    return {sine_sign * (is_swapped ? cosine : sine), cosine_sign * (is_swapped ? sine : cosine)};
}

}  // namespace

void box_muller_block(float* values) {
    constexpr float kTwoPi = 2.0f * std::numbers::pi_v<float>;
    constexpr int64_t kHalf = kBoxMullerBlock / 2;
    for (int64_t j = 0; j < kHalf; ++j) {
        const float radius = std::sqrt(-2.0f * log_cephes(1.0f - values[j]));
        const auto [sine, cosine] = sine_cosine_cephes(kTwoPi * values[j + kHalf]);
        values[j] = radius * cosine;
        values[j + kHalf] = radius * sine;
    }
}

}  // namespace kine
