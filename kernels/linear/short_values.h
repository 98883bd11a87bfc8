// bf16 values in twelve bits, and none of them lost. Of the eight bits of a weight's exponent less than three are
// information (Zhang et al., "70% Size, 100% Accuracy: Lossless LLM Compression for Efficient GPU Inference via
// Dynamic-Length Float", 2025, section 2): nearly all values have one of fifteen exponents. So a value is kept as sign
// and mantissa, and four bits that name its exponent; the few with another one are kept beside it. Being of one length,
// values are found without reading those before them, and are bf16 again after a few instructions, which a product of
// many rows does not notice (apps/bench/results/2026-11-23-Intel-Xeon-twelve-bits.txt).
#pragma once

#include "runtime/tensor/dtype.h"

#include <array>
#include <cstdint>
#include <span>

namespace kine::kernels {

/// Values go in and come out by sixty-fours: signs and mantissas, a byte each, then the names, where a byte holds that
/// of a value of the first half and, above it, that of one of the second.
inline constexpr int64_t kShortRun = 64;
inline constexpr int64_t kShortRunBytes = kShortRun + kShortRun / 2;

/// What four bits name. The first is always zero's exponent.
struct ExponentNames {
    static constexpr int64_t kCount = 16;
    static constexpr uint8_t kNone = 0xff;

    std::array<uint8_t, kCount> exponents = {};  ///< by name
    std::array<uint8_t, 256> names = {};         ///< by exponent; kNone: it has none
};

/// Names for the most common exponents of `values`, of which at most 2^16 are looked at.
ExponentNames name_exponents(std::span<const BFloat16> values);

/// Writes `count` values, a multiple of 64, to `to`, and calls odd(i) for each whose exponent has no name.
template <class Odd>
void shorten(const BFloat16* values, int64_t count, const ExponentNames& names, uint8_t* to, const Odd& odd) {
    constexpr int64_t kHalf = kShortRun / 2;
    const auto name_of = [&](int64_t i) {
        const uint8_t name = names.names[values[i].bits >> 7 & 0xff];
        if (name == ExponentNames::kNone) odd(i);
        return static_cast<uint8_t>(name & 0xf);
    };
    for (int64_t begin = 0; begin < count; begin += kShortRun, to += kShortRunBytes) {
        for (int64_t i = 0; i < kShortRun; ++i) {
            const uint16_t bits = values[begin + i].bits;
            to[i] = static_cast<uint8_t>((bits >> 8 & 0x80) | (bits & 0x7f));
        }
        for (int64_t i = 0; i < kHalf; ++i)
            to[kShortRun + i] = static_cast<uint8_t>(name_of(begin + i) | name_of(begin + kHalf + i) << 4);
    }
}

/// `count` values again, but for the odd ones.
void expand(const uint8_t* from, int64_t count, const ExponentNames& names, BFloat16* to);
/// What it calls: with any processor's instructions, or with AVX-512.
void expand_plain(const uint8_t* from, int64_t count, const ExponentNames& names, BFloat16* to);
void expand_wide(const uint8_t* from, int64_t count, const ExponentNames& names, BFloat16* to);

}  // namespace kine::kernels
