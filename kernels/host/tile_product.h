// Products of bf16 matrices in tiles of 16 x 32 and 32 x 16, or of eight-bit ones twice as deep (host/amx.h): what is
// multiplied with is packed, a panel of 32 columns at a time, and 32 rows meet it in four tiles of sums. A row's sums
// have one order, that of the depth.
#pragma once

#include "kernels/host/micro_kernel.h"
#include "kernels/host/tile_pack.h"

namespace kine::kernels {

/// Rows of bf16 values as tiles are loaded from them: 32 rows, and values up to a multiple of 32, must be readable.
struct TileRows {
    const BFloat16* data;
    int64_t stride;  ///< in elements
};

/// The same for eight-bit numbers; values up to a multiple of 64 must be readable.
struct Int8TileRows {
    const int8_t* data;
    int64_t stride;
};

struct Int32Matrix {
    int32_t* data;
    int64_t stride;
};

/// Four tiles of sums, which have four bytes each, and what they become: `left` 32 rows of `depth` tiles of 64 bytes,
/// `panel` two tiles for each of them. `multiply` calls the tiles' product with its three numbers. Where only one tile
/// of columns counts, the right half is neither computed nor written.
template <int kTileColumns, class Tiles, class Multiply>
[[gnu::always_inline]] inline void multiply_tiles(Tiles& tiles, int64_t depth, const char* left, int64_t left_stride,
                                                  const char* panel, char* sums, int64_t sums_stride, Start start,
                                                  const Multiply& multiply) {
    constexpr int64_t kRowBytes = 64;
    constexpr int64_t kTileBytes = kTileSide * kRowBytes;
    char* const lower = sums + kTileSide * sums_stride;
    constexpr bool kBoth = kTileColumns == 2;
    if (start == Start::Zero) {
        unrolled<4>([&](auto tile) { tiles.template zero<tile>(); });
    } else {
        tiles.template load<0>(sums, sums_stride);
        if constexpr (kBoth) tiles.template load<1>(sums + kRowBytes, sums_stride);
        tiles.template load<2>(lower, sums_stride);
        if constexpr (kBoth) tiles.template load<3>(lower + kRowBytes, sums_stride);
    }
    for (int64_t k = 0; k < depth; ++k, left += kRowBytes, panel += 2 * kTileBytes) {
        tiles.template load<4>(left, left_stride);
        tiles.template load<6>(panel, kRowBytes);
        multiply.template operator()<0, 4, 6>();
        if constexpr (kBoth) {
            tiles.template load<7>(panel + kTileBytes, kRowBytes);
            multiply.template operator()<1, 4, 7>();
        }
        tiles.template load<5>(left + kTileSide * left_stride, left_stride);
        multiply.template operator()<2, 5, 6>();
        if constexpr (kBoth) multiply.template operator()<3, 5, 7>();
    }
    tiles.template store<0>(sums, sums_stride);
    if constexpr (kBoth) tiles.template store<1>(sums + kRowBytes, sums_stride);
    tiles.template store<2>(lower, sums_stride);
    if constexpr (kBoth) tiles.template store<3>(lower + kRowBytes, sums_stride);
}

/// sums [32, 32] = or += left [32, depth] x a packed panel [depth, 32], of which 16 columns may be all that counts;
/// `depth` is a multiple of 32.
template <int kTileColumns = 2, class Tiles>
void multiply_panel(Tiles& tiles, int64_t depth, TileRows left, const BFloat16* panel, MutableMatrix sums,
                    Start start) {
    multiply_tiles<kTileColumns>(tiles, depth / kTileDepth, reinterpret_cast<const char*>(left.data), left.stride * 2,
                                 reinterpret_cast<const char*>(panel), reinterpret_cast<char*>(sums.data),
                                 sums.stride * 4, start,
                                 [&]<int sum, int a, int b>() { tiles.template multiply<sum, a, b>(); });
}

/// The same for eight-bit numbers; `depth` is a multiple of 64.
template <class Tiles>
void multiply_panel(Tiles& tiles, int64_t depth, Int8TileRows left, const int8_t* panel, Int32Matrix sums,
                    Start start) {
    multiply_tiles<2>(tiles, depth / kInt8TileDepth, reinterpret_cast<const char*>(left.data), left.stride,
                      reinterpret_cast<const char*>(panel), reinterpret_cast<char*>(sums.data), sums.stride * 4, start,
                      [&]<int sum, int a, int b>() { tiles.template multiply_int8<sum, a, b>(); });
}

}  // namespace kine::kernels
