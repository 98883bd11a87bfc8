#include "kernels/host/tile_pack.h"
#include "kernels/host/wide.h"

KINE_WIDE_BEGIN

namespace kine::kernels {

namespace {

// Up to `count` of 32 values at `from`, which may be none; the others are zero.
__m512i load_values(const BFloat16* from, int64_t count) {
    if (count <= 0) return _mm512_setzero_si512();
    return count >= kTileDepth ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi16((uint32_t{1} << count) - 1, from);
}

// As above, 16 of them, one to a lane.
__m512i load_lanes(const BFloat16* from, int64_t count) {
    if (count <= 0) return _mm512_setzero_si512();
    return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first_lanes(count), from));
}

// to[i][j] = rows[j][i] of 16 x 16 words: pairs and quads within the quarters of a register, then the quarters.
void store_transposed(const __m512i (&rows)[16], BFloat16* to) {
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
    const auto store_row = [to](int row, __m512i values) { _mm512_storeu_si512(to + row * kTileDepth, values); };
    for (int j = 0; j < 4; ++j) {
        const __m512i upper_even = _mm512_shuffle_i32x4(quads[j], quads[j + 4], kEven);
        const __m512i upper_odd = _mm512_shuffle_i32x4(quads[j], quads[j + 4], kOdd);
        const __m512i lower_even = _mm512_shuffle_i32x4(quads[j + 8], quads[j + 12], kEven);
        const __m512i lower_odd = _mm512_shuffle_i32x4(quads[j + 8], quads[j + 12], kOdd);
        store_row(j, _mm512_shuffle_i32x4(upper_even, lower_even, kEven));
        store_row(j + 4, _mm512_shuffle_i32x4(upper_odd, lower_odd, kEven));
        store_row(j + 8, _mm512_shuffle_i32x4(upper_even, lower_even, kOdd));
        store_row(j + 12, _mm512_shuffle_i32x4(upper_odd, lower_odd, kOdd));
    }
}

}  // namespace

void pack_transposed_wide(const BFloat16* rows, int64_t stride, int64_t columns, int64_t depth, BFloat16* packed) {
    for (int64_t column = 0; column < rounded_up(columns, kTileBlock); column += kTileSide) {
        for (int64_t k = 0; k < depth; k += kTileDepth) {
            __m512i tile[kTileSide];
            for (int64_t i = 0; i < kTileSide; ++i)
                tile[i] = load_values(rows + (column + i) * stride + k, column + i < columns ? depth - k : 0);
            store_transposed(tile, packed + value_offset(depth, k, column));
        }
    }
}

void pack_rows_wide(const BFloat16* rows, int64_t stride, int64_t depth, int64_t columns, BFloat16* packed) {
    for (int64_t column = 0; column < rounded_up(columns, kTileBlock); column += kTileSide) {
        for (int64_t k = 0; k < rounded_up(depth, kTileDepth); k += 2) {
            const BFloat16* from = rows + k * stride + column;
            const __m512i even = load_lanes(from, k < depth ? columns - column : 0);
            const __m512i odd = load_lanes(from + stride, k + 1 < depth ? columns - column : 0);
            _mm512_storeu_si512(packed + value_offset(depth, k, column),
                                _mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
        }
    }
}

}  // namespace kine::kernels

KINE_WIDE_END
