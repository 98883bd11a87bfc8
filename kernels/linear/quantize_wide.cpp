#include "kernels/host/wide.h"
#include "kernels/linear/quantize.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

namespace {

constexpr int64_t kAheadBytes = 4096;  // what the processor itself fetches ahead ends at a page

template <class T>
uint32_t largest_of(const T* values, int64_t count) {
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
    __m512i largest = _mm512_setzero_si512();
    for (int64_t i = 0; i < count; i += kWideLanes) {
        _mm_prefetch(reinterpret_cast<const char*>(values + i) + kAheadBytes, _MM_HINT_T0);
        const Wide v = count - i >= kWideLanes ? load_wide(values + i) : load_wide(values + i, first_lanes(count - i));
        largest = _mm512_max_epu32(largest, _mm512_and_si512(_mm512_castps_si512(v), magnitude));
    }
    return _mm512_reduce_max_epu32(largest);
}

template <class T>
void quantize_each(const T* values, int64_t count, float inverse, int8_t* to) {
    const Wide factor = wide(inverse);
    const int64_t whole = count / kWideLanes * kWideLanes;
    for (int64_t i = 0; i < whole; i += kWideLanes) {
        const __m512i rounded_values = _mm512_cvtps_epi32(load_wide(values + i) * factor);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), _mm512_cvtepi32_epi8(rounded_values));
    }
    if (whole == count) return;
    const __mmask16 rest = first_lanes(count - whole);
    const __m512i rounded_values = _mm512_cvtps_epi32(load_wide(values + whole, rest) * factor);
    _mm_mask_storeu_epi8(to + whole, rest, _mm512_cvtepi32_epi8(rounded_values));
}

}  // namespace

uint32_t largest_bits_wide(const float* values, int64_t count) { return largest_of(values, count); }
uint32_t largest_bits_wide(const BFloat16* values, int64_t count) { return largest_of(values, count); }
void quantize_wide(const float* values, int64_t count, float inverse, int8_t* to) {
    quantize_each(values, count, inverse, to);
}
void quantize_wide(const BFloat16* values, int64_t count, float inverse, int8_t* to) {
    quantize_each(values, count, inverse, to);
}

}  // namespace kine::kernels

#pragma GCC pop_options
