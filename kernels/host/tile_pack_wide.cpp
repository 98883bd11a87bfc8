#include "kernels/host/tile_pack.h"
#include "kernels/host/wide_transpose.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

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

}  // namespace

void pack_transposed_wide(const BFloat16* rows, int64_t stride, int64_t columns, int64_t depth, BFloat16* packed) {
    for (int64_t column = 0; column < rounded_up(columns, kTileBlock); column += kTileSide) {
        for (int64_t k = 0; k < depth; k += kTileDepth) {
            __m512i tile[kTileSide];
            for (int64_t i = 0; i < kTileSide; ++i)
                tile[i] = load_values(rows + (column + i) * stride + k, column + i < columns ? depth - k : 0);
            store_transposed(tile, packed + value_offset(depth, k, column), kTileDepth);
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

void copy_rows_wide(const BFloat16* from, int64_t stride, int64_t rows, int64_t size, BFloat16* to, int64_t to_stride) {
    for (int64_t row = 0; row < rows; ++row, from += stride, to += to_stride) {
        int64_t i = 0;
        for (; i + kTileDepth <= size; i += kTileDepth) _mm512_storeu_si512(to + i, _mm512_loadu_si512(from + i));
        if (i == size) continue;
        const __mmask32 rest = (uint32_t{1} << (size - i)) - 1;
        _mm512_mask_storeu_epi16(to + i, rest, _mm512_maskz_loadu_epi16(rest, from + i));
    }
}

}  // namespace kine::kernels

#pragma GCC pop_options
