// Products of bf16 matrices in tiles of 16 x 32 and 32 x 16 (host/amx.h): what is multiplied with is packed, a panel of
// 32 columns at a time, and 32 rows meet it in four tiles of sums. A row's sums have one order, that of the depth.
#pragma once

#include "kernels/host/micro_kernel.h"
#include "kernels/host/tile_pack.h"

namespace kine::kernels {

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
