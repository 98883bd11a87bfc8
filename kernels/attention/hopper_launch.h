// Attention between many tokens on Hopper: what it is asked, how it is spread over a GPU, and where things lie in a
// block's shared memory. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/attention/matrix_launch.h"
#include "kernels/cuda/tile_map.h"

namespace kine::kernels::cuda {

/// With q, k and v as the copy engine reads them.
struct HopperArguments : MatrixArguments<BFloat16> {
    TileMap q_tiles, k_tiles, v_tiles;
};

inline constexpr int kGroupWarps = 4;  ///< that make a product together
inline constexpr int kGroupThreads = kGroupWarps * kWarp;
inline constexpr int kGroupQueries = kGroupWarps * kMatrixSide;
inline constexpr int kHopperGroups = 2;  ///< that compute; one more fetches
inline constexpr int kHopperThreads = (1 + kHopperGroups) * kGroupThreads;
inline constexpr int kHopperQueries = kHopperGroups * kGroupQueries;  ///< of a block
inline constexpr int kHopperKeys = 128;                               ///< of a tile
inline constexpr int kHopperStages = 2;                               ///< tiles in shared memory at once
inline constexpr int kMostHopperShared = 227 * 1024;                  ///< bytes that Hopper gives a block

constexpr bool hopper_can_run(int64_t head_size) {
    return head_size == 64 || head_size == 72 || head_size == 96 || head_size == 128;
}

/// Bytes from the beginning of shared memory. A tile is boxes of 16 channels, one behind the other.
struct HopperLayout {
    int tile_bytes = 0;  ///< of kHopperKeys keys, or as many queries
    int keys = 0;        ///< tiles of kHopperStages; queries are at 0
    int values = 0;
    int rows = 0;      ///< 16 results of each warp, on their way out
    int barriers = 0;  ///< queries; keys, values, room of each stage
    int bytes = 0;

    constexpr explicit HopperLayout(int head_size)
        : tile_bytes(padded_head(head_size) / kTileColumns * kHopperKeys * kTileRowBytes),
          keys(tile_bytes),
          values(keys + kHopperStages * tile_bytes),
          rows(values + kHopperStages * tile_bytes),
          barriers(rows + kHopperGroups * kGroupWarps * row_bytes(head_size)),
          bytes(barriers + (1 + 3 * kHopperStages) * 8) {}

    /// Of a warp.
    static constexpr int row_bytes(int head_size) { return kMatrixSide * shared_row(head_size) * kMatrixBytes; }
};

static_assert(kHopperQueries == kHopperKeys, "one shape of boxes and tiles for all");

/// Registers of a thread that fetches, and of one that computes, once roles are known.
inline constexpr int kFetchRegisters = 24;
inline constexpr int kComputeRegisters = 240;
inline constexpr int kLaunchRegisters = 65536 / kHopperThreads / 8 * 8;  ///< of each, as a block begins
static_assert(kGroupThreads * (kFetchRegisters + kHopperGroups * kComputeRegisters) <=
                  kHopperThreads * kLaunchRegisters,
              "whoever asks for more than there are waits for ever");

/// Blocks of queries of one head follow one another, so that they find its keys in the L2.
constexpr Launch hopper_launch(int64_t sites, int heads, int queries, int head_size) {
    return {sites * heads * divide_up(queries, kHopperQueries), 1, kHopperThreads, HopperLayout(head_size).bytes};
}

/// [outer, inner, tokens, heads, head_size] at `first` for the copy engine; an axis that is shared has one place.
constexpr TileSource tiles_of(const BFloat16* first, const HeadStrides& strides, const HopperArguments& all, int tokens,
                              int head_size) {
    const auto places = [](int64_t count, int64_t stride) { return stride == 0 ? 1 : count; };
    const int64_t sizes[] = {head_size, all.heads, tokens, places(all.inner, strides.inner),
                             places(all.outer, strides.outer)};
    // Of one place, any stride that the driver takes.
    const auto step = [&](int axis, int64_t stride) { return sizes[axis] == 1 ? kChunk : stride; };
    return {first,
            {sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]},
            {1, step(1, strides.head), step(2, strides.token), step(3, strides.inner), step(4, strides.outer)},
            kHopperKeys};
}

}  // namespace kine::kernels::cuda
