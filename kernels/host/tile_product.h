// Products of bf16 matrices in tiles of 16 x 32 and 32 x 16 (host/amx.h): what is multiplied with is packed, a panel of
// 32 columns at a time, and 32 rows meet it in four tiles of sums. A row's sums have one order, that of the depth.
#pragma once

#include "kernels/host/micro_kernel.h"
#include "kernels/host/rounding.h"
#include "kernels/host/transpose.h"

#include <algorithm>

namespace kine::kernels {

inline constexpr int64_t kTileSide = 16;   // rows of a left tile, columns of a right one
inline constexpr int64_t kTileDepth = 32;  // bf16 values in a row of a left tile
inline constexpr int64_t kTileValues = kTileSide * kTileDepth;
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

/// The first `count` of Lanes values at `from`, which may be more or none; the others are zero.
template <class Lanes>
Lanes load_bits(const BFloat16* from, int64_t count) {
    constexpr auto kValues = static_cast<int64_t>(sizeof(Lanes) / sizeof(BFloat16));
    Lanes lanes = {};
    if (count >= kValues) {
        std::memcpy(&lanes, from, sizeof lanes);
    } else if (count > 0) {
        std::memcpy(&lanes, from, static_cast<size_t>(count) * sizeof(BFloat16));
    }
    return lanes;
}

inline void store_bits(BFloat16* to, const auto& lanes) { std::memcpy(static_cast<void*>(to), &lanes, sizeof lanes); }

/// Packs the transpose of `columns` rows of `depth` values, as weights [N, K] and keys lie. Pairs travel as floats,
/// with which nothing computes.
inline void pack_transposed(const BFloat16* rows, int64_t stride, int64_t columns, int64_t depth, BFloat16* packed) {
    for (int64_t column = 0; column < rounded_up(columns, kTileBlock); column += kLanes) {
        for (int64_t k = 0; k < rounded_up(depth, kTileDepth); k += 2 * kLanes) {
            Float8 block[kLanes] = {};
            for (int64_t i = 0; i < std::min(kLanes, columns - column); ++i)
                block[i] = load_bits<Float8>(rows + (column + i) * stride + k, depth - k);
            transpose(block);
            BFloat16* to = packed + value_offset(depth, k, column);
            for (int64_t pair = 0; pair < kLanes; ++pair) store_bits(to + pair * 2 * kTileSide, block[pair]);
        }
    }
}

/// Packs `depth` rows of `columns` values, as the values of attention lie: two rows become one of pairs.
inline void pack_rows(const BFloat16* rows, int64_t stride, int64_t depth, int64_t columns, BFloat16* packed) {
    const auto widened = [&](int64_t k, int64_t column) {
        const Half8 values = load_bits<Half8>(rows + k * stride + column, k < depth ? columns - column : 0);
        return __builtin_convertvector(values, Word8);
    };
    for (int64_t column = 0; column < rounded_up(columns, kTileBlock); column += kLanes) {
        for (int64_t k = 0; k < rounded_up(depth, kTileDepth); k += 2)
            store_bits(packed + value_offset(depth, k, column), widened(k, column) | (widened(k + 1, column) << 16));
    }
}

/// Rows of bf16 values as tiles are loaded from them: 32 rows, and values up to a multiple of 32, must be readable.
struct TileRows {
    const BFloat16* data;
    int64_t stride;  ///< in elements
};

/// sums [32, 32] = or += left [32, depth] x a packed panel [depth, 32]; `depth` is a multiple of 32.
template <class Tiles>
void multiply_panel(Tiles& tiles, int64_t depth, TileRows left, const BFloat16* panel, MutableMatrix sums,
                    Start start) {
    const int64_t stride = sums.stride * static_cast<int64_t>(sizeof(float));
    const MutableMatrix lower = sums.from(kTileSide, 0);
    if (start == Start::Zero) {
        unrolled<4>([&](auto tile) { tiles.template zero<tile>(); });
    } else {
        tiles.template load<0>(sums.data, stride);
        tiles.template load<1>(sums.data + kTileSide, stride);
        tiles.template load<2>(lower.data, stride);
        tiles.template load<3>(lower.data + kTileSide, stride);
    }
    for (int64_t k = 0; k < depth; k += kTileDepth, panel += 2 * kTileValues) {
        const int64_t left_stride = left.stride * 2;
        tiles.template load<4>(left.data + k, left_stride);
        tiles.template load<6>(panel, kTileDepth * 2);
        tiles.template multiply<0, 4, 6>();
        tiles.template load<7>(panel + kTileValues, kTileDepth * 2);
        tiles.template multiply<1, 4, 7>();
        tiles.template load<5>(left.data + kTileSide * left.stride + k, left_stride);
        tiles.template multiply<2, 5, 6>();
        tiles.template multiply<3, 5, 7>();
    }
    tiles.template store<0>(sums.data, stride);
    tiles.template store<1>(sums.data + kTileSide, stride);
    tiles.template store<2>(lower.data, stride);
    tiles.template store<3>(lower.data + kTileSide, stride);
}

}  // namespace kine::kernels
