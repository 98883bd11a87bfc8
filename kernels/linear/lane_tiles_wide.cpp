#include "kernels/host/wide.h"
#include "kernels/linear/lane_tiles.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vnni,prefer-vector-width=512")

namespace kine::kernels {

namespace {

constexpr int64_t kRows = MemoryTile::kRows;
constexpr int64_t kRowBytes = MemoryTile::kRowBytes;
constexpr char kSign = '\x80';

__m512i load_row(const MemoryTile& tile, int64_t row) { return _mm512_load_si512(tile.bytes + row * kRowBytes); }

}  // namespace

// Unsigned by signed is what there is: the left values + 128 are, and what that adds, 128 times the sum of a right
// column, is taken from the sums beforehand. They may wrap around on the way, and come out right.
void multiply_int8_wide(MemoryTile& sums, const MemoryTile& left, const MemoryTile& right) {
    const __m512i half = _mm512_set1_epi8(kSign);
    __m512i surplus = _mm512_setzero_si512();
    MemoryTile raised;
    for (int64_t row = 0; row < kRows; ++row) {
        _mm512_store_si512(raised.bytes + row * kRowBytes, _mm512_xor_si512(load_row(left, row), half));
        surplus = _mm512_dpbusd_epi32(surplus, half, load_row(right, row));
    }
    __m512i of_rows[kRows];
    for (int64_t row = 0; row < kRows; ++row) of_rows[row] = _mm512_sub_epi32(load_row(sums, row), surplus);
    for (int64_t k = 0; k < kRows; ++k) {
        const __m512i columns = load_row(right, k);
        for (int64_t row = 0; row < kRows; ++row) {
            int32_t four = 0;
            std::memcpy(&four, raised.bytes + row * kRowBytes + k * 4, sizeof four);
            of_rows[row] = _mm512_dpbusd_epi32(of_rows[row], _mm512_set1_epi32(four), columns);
        }
    }
    for (int64_t row = 0; row < kRows; ++row) _mm512_store_si512(sums.bytes + row * kRowBytes, of_rows[row]);
}

}  // namespace kine::kernels

#pragma GCC pop_options
