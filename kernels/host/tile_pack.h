// How the right operand of a product of tiles lies (host/tile_product.h), and what brings it there.
#pragma once

#include "kernels/host/rounding.h"
#include "runtime/tensor/dtype.h"

namespace kine::kernels {

inline constexpr int64_t kTileSide = 16;   // rows of a left tile, columns of a right one
inline constexpr int64_t kTileDepth = 32;  // bf16 values in a row of a left tile
inline constexpr int64_t kTileValues = kTileSide * kTileDepth;
inline constexpr int64_t kInt8TileDepth = 64;
inline constexpr int64_t kTileBlock = 2 * kTileSide;  // rows and columns of a block of sums

/// bf16 values of a packed matrix [depth, columns]: panels [columns / 32][depth / 32][2 tiles], padded with zeros.
constexpr int64_t packed_values(int64_t depth, int64_t columns) {
    return rounded_up(depth, kTileDepth) * rounded_up(columns, kTileBlock);
}

/// Where the panel with `column`, a multiple of 32, begins.
constexpr int64_t panel_offset(int64_t depth, int64_t column) { return rounded_up(depth, kTileDepth) * column; }

/// Where the value at (k, column) of a packed matrix lies.
constexpr int64_t value_offset(int64_t depth, int64_t k, int64_t column) {
    const int64_t panel = panel_offset(depth, column / kTileBlock * kTileBlock);
    const int64_t tile = k / kTileDepth * 2 + column % kTileBlock / kTileSide;
    const int64_t pair = k % kTileDepth / 2 * kTileSide + column % kTileSide;
    return panel + tile * kTileValues + pair * 2 + k % 2;
}

/// Packs the transpose of `columns` rows of `depth` values, as weights [N, K] and keys lie.
void pack_transposed(const BFloat16* rows, int64_t stride, int64_t columns, int64_t depth, BFloat16* packed);

/// Packs `depth` rows of `columns` values, as the values of attention lie: two rows become one of pairs.
void pack_rows(const BFloat16* rows, int64_t stride, int64_t depth, int64_t columns, BFloat16* packed);

/// Eight-bit values likewise, in panels [columns / 32][depth / 64][2 tiles] whose rows are fours of one column.
constexpr int64_t packed_int8_values(int64_t depth, int64_t columns) {
    return rounded_up(depth, kInt8TileDepth) * rounded_up(columns, kTileBlock);
}
constexpr int64_t int8_panel_offset(int64_t depth, int64_t column) {
    return rounded_up(depth, kInt8TileDepth) * column;
}
constexpr int64_t int8_value_offset(int64_t depth, int64_t k, int64_t column) {
    const int64_t panel = int8_panel_offset(depth, column / kTileBlock * kTileBlock);
    const int64_t tile = k / kInt8TileDepth * 2 + column % kTileBlock / kTileSide;
    const int64_t four = k % kInt8TileDepth / 4 * kTileSide + column % kTileSide;
    return panel + tile * kTileSide * kInt8TileDepth + four * 4 + k % 4;
}
/// One column's values, with zeros from `depth` up to a multiple of 64, to where they lie in the packed matrix.
void pack_int8_column(const int8_t* values, int64_t depth, int64_t column, int8_t* packed);

/// Copies `rows` of `size` values.
void copy_rows(const BFloat16* from, int64_t stride, int64_t rows, int64_t size, BFloat16* to, int64_t to_stride);

/// The same with AVX-512, but for eight bits.
void copy_rows_wide(const BFloat16* from, int64_t stride, int64_t rows, int64_t size, BFloat16* to, int64_t to_stride);
void pack_transposed_wide(const BFloat16* rows, int64_t stride, int64_t columns, int64_t depth, BFloat16* packed);
void pack_rows_wide(const BFloat16* rows, int64_t stride, int64_t depth, int64_t columns, BFloat16* packed);

}  // namespace kine::kernels
