#include "kernels/linear/lane_tiles.h"

#include <immintrin.h>

#pragma GCC push_options
#pragma GCC target("avx2")  // the least that runtime/device/host/processor.h knows

namespace kine::kernels {

namespace {

__m256i load(const char* from) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(from)); }

/// Four columns' worth of pairs: each lane of eight gets the sum of its four products. Unsigned by signed is what there
/// is, so the left one's signs go to the right one; two products of 127 by 127 fit in sixteen bits.
__m256i products_of_fours(__m256i left, __m256i right) {
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(left), _mm256_sign_epi8(right, left));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

}  // namespace

void multiply_int8(MemoryTile& sums, const MemoryTile& left, const MemoryTile& right) {
    constexpr int64_t kHalf = MemoryTile::kRowBytes / 2;
    for (int64_t row = 0; row < MemoryTile::kRows; ++row) {
        char* const to = sums.bytes + row * MemoryTile::kRowBytes;
        const char* fours = left.bytes + row * MemoryTile::kRowBytes;
        __m256i low = load(to), high = load(to + kHalf);
        for (int64_t k = 0; k < MemoryTile::kRows; ++k, fours += 4) {
            int32_t four = 0;
            std::memcpy(&four, fours, sizeof four);
            const __m256i all = _mm256_set1_epi32(four);
            const char* columns = right.bytes + k * MemoryTile::kRowBytes;
            low = _mm256_add_epi32(low, products_of_fours(all, load(columns)));
            high = _mm256_add_epi32(high, products_of_fours(all, load(columns + kHalf)));
        }
        _mm256_store_si256(reinterpret_cast<__m256i*>(to), low);
        _mm256_store_si256(reinterpret_cast<__m256i*>(to + kHalf), high);
    }
}

}  // namespace kine::kernels

#pragma GCC pop_options
