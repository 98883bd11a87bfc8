// How products in tiles are cut into blocks that fit a thread's caches (Goto and van de Geijn, 2008).
#pragma once

#include "kernels/host/tile_pack.h"
#include "kernels/linear/rows.h"

namespace kine::kernels {

inline constexpr int64_t kTallestBlock = 128;  // rows that share one reading of a group's panels
inline constexpr int64_t kTilePadding = 32;    // rows of a multiple of 2 KiB would share the sets of the L1

inline Range part_of(int64_t count, int64_t index, int64_t size) {
    return {index * size, std::min(count, (index + 1) * size)};
}

/// The size of even parts of at most `most`, in whole units.
inline int64_t even_share(int64_t count, int64_t most, int64_t unit) {
    return rounded_up(divided_up(count, divided_up(count, most)), unit);
}

/// Rows of a block: fewer where there would be too few blocks for the threads.
inline int64_t block_height(int64_t rows, int64_t groups, int64_t threads) {
    int64_t height = kTallestBlock;
    while (height > kTileBlock && divided_up(rows, height) * groups < 4 * threads) height /= 2;
    return height;
}

}  // namespace kine::kernels
