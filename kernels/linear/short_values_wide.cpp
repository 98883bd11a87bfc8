#include "kernels/host/wide.h"
#include "kernels/linear/short_values.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

namespace {

constexpr int64_t kHalf = kShortRun / 2;

__m256i load_bytes(const uint8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }

/// sign | exponent | mantissa, of bytes with sign and mantissa, which as numbers keep their sign, and of exponents
/// where they belong.
__m512i join(__m256i rest, __m512i exponents) {
    constexpr auto kAndOr = 0xea;  // (a & b) | c
    const __m512i sign_and_mantissa = _mm512_set1_epi16(static_cast<int16_t>(0x807f));
    return _mm512_ternarylogic_epi32(_mm512_cvtepi8_epi16(rest), sign_and_mantissa, exponents, kAndOr);
}

/// A permutation's table has 32 words, of which names reach the first 16.
__m512i table_of(const ExponentNames& names) {
    uint16_t words[kHalf] = {};
    for (int64_t name = 0; name < ExponentNames::kCount; ++name)
        words[name] = static_cast<uint16_t>(names.exponents[static_cast<size_t>(name)] << 7);
    return _mm512_loadu_si512(words);
}

}  // namespace

void expand_wide(const uint8_t* from, int64_t count, const ExponentNames& names, BFloat16* to) {
    const __m512i table = table_of(names), low_nibble = _mm512_set1_epi16(0xf);
    for (; count > 0; count -= kShortRun, from += kShortRunBytes, to += kShortRun) {
        const __m512i both = _mm512_cvtepu8_epi16(load_bytes(from + kShortRun));
        const __m512i first = _mm512_permutexvar_epi16(_mm512_and_si512(both, low_nibble), table);
        const __m512i second = _mm512_permutexvar_epi16(_mm512_srli_epi16(both, 4), table);
        _mm512_storeu_si512(to, join(load_bytes(from), first));
        _mm512_storeu_si512(to + kHalf, join(load_bytes(from + kHalf), second));
    }
}

}  // namespace kine::kernels

#pragma GCC pop_options
