// Attention between many tokens on Hopper (Shah et al. 2024, FlashAttention-3, without its ping-pong): one group of
// four warps asks the copy engine for tiles of keys and values, two others, of 64 queries each, multiply them, so that
// one's softmax goes on beside the other's products. Heads of 72 channels are padded to 80, by the copy engine's zeros.
#pragma once

#include "kernels/attention/hopper_launch.h"
#include "kernels/attention/matrix.cuh"
#include "kernels/cuda/hopper.cuh"

namespace kine::kernels::cuda {

/// A block's shared memory.
template <int kHeadSize>
struct HopperMemory {
    static constexpr HopperLayout kLayout{kHeadSize};
    static constexpr int kBoxes = padded_head(kHeadSize) / kTileColumns;  ///< of a tile
    static constexpr int kBoxBytes = kHopperKeys * kTileRowBytes;
    static constexpr int kRowsBytes = kTileRows * kTileRowBytes;

    std::byte* shared;

    __device__ std::byte* queries() const { return shared; }
    __device__ std::byte* keys(int stage) const { return shared + kLayout.keys + stage * kLayout.tile_bytes; }
    __device__ std::byte* values(int stage) const { return shared + kLayout.values + stage * kLayout.tile_bytes; }
    __device__ BFloat16* own_rows(int warp) const {
        return reinterpret_cast<BFloat16*>(shared + kLayout.rows + warp * HopperLayout::row_bytes(kHeadSize));
    }
    __device__ SharedBarrier* barrier(int which) const {
        return reinterpret_cast<SharedBarrier*>(shared + kLayout.barriers) + which;
    }
    __device__ SharedBarrier* queries_there() const { return barrier(0); }
    __device__ SharedBarrier* keys_there(int stage) const { return barrier(1 + stage); }
    __device__ SharedBarrier* values_there(int stage) const { return barrier(1 + kHopperStages + stage); }
    __device__ SharedBarrier* has_room(int stage) const { return barrier(1 + 2 * kHopperStages + stage); }

    /// By one thread.
    __device__ void make_barriers() const {
        make_barrier(queries_there(), 1);
        for (int stage = 0; stage < kHopperStages; ++stage) {
            make_barrier(keys_there(stage), 1);
            make_barrier(values_there(stage), 1);
            make_barrier(has_room(stage), kHopperGroups * kGroupWarps);
        }
        show_barriers();
    }
};

/// Which tile of the loop over keys lies in which stage, and which time that the stage is used.
struct HopperTurn {
    int stage, time;

    __device__ explicit HopperTurn(int tile) : stage(tile % kHopperStages), time(tile / kHopperStages) {}
};

/// A tile of the rows from `first` on, box by box.
template <int kHeadSize>
__device__ void fetch_tile(std::byte* to, const TileMap& map, const HeadPlace& place, const HeadStrides& strides,
                           int first, SharedBarrier* barrier) {
    using Memory = HopperMemory<kHeadSize>;
    const int inner = strides.inner == 0 ? 0 : static_cast<int>(place.inner);
    const int outer = strides.outer == 0 ? 0 : static_cast<int>(place.outer);
    arrive_for(barrier, Memory::kLayout.tile_bytes);
    for (int box = 0; box < Memory::kBoxes; ++box)
        fetch_box(to + box * Memory::kBoxBytes, map, {box * kTileColumns, place.head, first, inner, outer}, barrier);
}

/// What one thread does for the others: everything that they wait for.
template <int kHeadSize>
__device__ void fetch_all(const HopperArguments& all, const HeadPlace& place, int first_query,
                          const HopperMemory<kHeadSize>& memory) {
    fetch_tile<kHeadSize>(memory.queries(), all.q_tiles, place, all.q_strides, first_query, memory.queries_there());
    for (int key = 0; key < all.keys; key += kHopperKeys) {
        const HopperTurn turn(key / kHopperKeys);
        if (turn.time > 0) await_phase(memory.has_room(turn.stage), turn.time - 1);
        fetch_tile<kHeadSize>(memory.keys(turn.stage), all.k_tiles, place, all.k_strides, key,
                              memory.keys_there(turn.stage));
        fetch_tile<kHeadSize>(memory.values(turn.stage), all.v_tiles, place, all.v_strides, key,
                              memory.values_there(turn.stage));
    }
}

/// Scores of a group's 64 queries with a tile of keys.
template <int kHeadSize, int kTiles>
__device__ void score_tile(float (&scores)[kTiles][4], const std::byte* queries, const std::byte* keys) {
    using Memory = HopperMemory<kHeadSize>;
    begin_products();
#pragma unroll
    for (int box = 0; box < Memory::kBoxes; ++box)
        put_product(scores, factor_at(queries + box * Memory::kBoxBytes, 0, Memory::kRowsBytes),
                    factor_at(keys + box * Memory::kBoxBytes, 0, Memory::kRowsBytes), box > 0);
    await_products(scores);
}

/// Adds a tile's values by the weights of its keys.
template <int kHeadSize, int kTiles, int kColumns>
__device__ void add_tile(float (&out)[kColumns][4], const float (&weights)[kTiles][4], const std::byte* values) {
    using Memory = HopperMemory<kHeadSize>;
    uint32_t left[kTiles / 2][4];
#pragma unroll
    for (int i = 0; i < 2 * kTiles; ++i)  // two tiles of scores lie as a left factor wants them
        left[i / 4][i % 4] = pack<BFloat16>(weights[i / 2][i % 2 * 2], weights[i / 2][i % 2 * 2 + 1]);
    begin_products(left);
#pragma unroll
    for (int step = 0; step < kTiles / 2; ++step)
        add_product(out, left[step],
                    factor_at(values + step * kMatrixSide * kTileRowBytes, Memory::kBoxBytes, Memory::kRowsBytes));
    await_products(out);
}

/// What a group of four warps computes: 64 queries through all keys.
template <int kHeadSize>
__device__ void attend_tiles(const HopperArguments& all, const HeadPlace& place, int first_query, int group,
                             const HopperMemory<kHeadSize>& memory) {
    constexpr int kPadded = padded_head(kHeadSize);
    HeadSums<kPadded> sums;
    const std::byte* queries = memory.queries() + group * kGroupQueries * kTileRowBytes;
    await_phase(memory.queries_there(), 0);
    for (int key = 0; key < all.keys; key += kHopperKeys) {
        const HopperTurn turn(key / kHopperKeys);
        const int left = all.keys - key;
        float scores[kHopperKeys / 8][4];
        await_phase(memory.keys_there(turn.stage), turn.time);
        score_tile<kHeadSize>(scores, queries, memory.keys(turn.stage));
        if (left < kHopperKeys) {
            weigh_keys<kPadded>(scores, sums, all.scale, [=](int at) { return at < left; });
        } else {
            weigh_keys<kPadded>(scores, sums, all.scale, [](int) { return true; });
        }
        await_phase(memory.values_there(turn.stage), turn.time);
        add_tile<kHeadSize>(sums.out, scores, memory.values(turn.stage));
        sync_warp();
        if (lane() == 0) arrive(memory.has_room(turn.stage));
    }
    HeadSums<kHeadSize> own;
#pragma unroll
    for (int i = 0; i < 4 * HeadTile<kHeadSize>::kColumns; ++i) own.out[i / 4][i % 4] = sums.out[i / 4][i % 4];
    for (int half = 0; half < 2; ++half) own.most[half] = sums.most[half], own.total[half] = sums.total[half];
    const int warp = warp_in_block() - kGroupWarps;
    write_rows<kHeadSize>(all, place, first_query + warp * kMatrixSide, own, memory.own_rows(warp));
}

/// What one block does. `shared` is the block's shared memory, at a multiple of kTileAlignment.
template <int kHeadSize>
__device__ void hopper_block(const HopperArguments& all, std::byte* shared) {
    const HopperMemory<kHeadSize> memory{shared};
    const int64_t parts = divide_up(all.queries, kHopperQueries);
    const int64_t item = block_x() / parts, site = item / all.heads;
    const HeadPlace place = {site, site / all.inner, site % all.inner, static_cast<int>(item % all.heads)};
    const int first_query = static_cast<int>(block_x() % parts) * kHopperQueries;
    if (thread_in_block() == 0) memory.make_barriers();
    sync_block();
    const int group = thread_in_block() / kGroupThreads;
    if (group == 0) {
        shrink_registers<kFetchRegisters>();
        if (thread_in_block() == 0) fetch_all<kHeadSize>(all, place, first_query, memory);
    } else {
        grow_registers<kComputeRegisters>();
        attend_tiles<kHeadSize>(all, place, first_query, group - 1, memory);
    }
}

}  // namespace kine::kernels::cuda
