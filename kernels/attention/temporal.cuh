// Attention between up to 64 tokens by one warp a site and head, straight from packed projections: rows are gathered by
// their strides, normed and turned on the way into shared memory, multiplied by the matrix unit (m16n8k16), and softmax
// runs online over blocks of 16 keys (Dao et al. 2022). Libraries tile 64 x 128, of which 16 tokens use two percent.
#pragma once

#include "kernels/attention/matrix.cuh"
#include "kernels/attention/temporal_launch.h"
#include "kernels/rope/query_key.cuh"

namespace kine::kernels::cuda {

/// Rows of one head on their way into shared memory.
template <class T>
struct RowSource {
    const T* first = nullptr;
    int64_t stride = 0;
    int count = 0;  ///< rows that are there; further ones are zero
    HeadSteps steps;
    int64_t token_turns = 0;
};

/// `rows`, a multiple of 16, into shared memory, with zeros behind the last channel and the last row.
template <int kHeadSize, class T>
__device__ void stage_rows(T* shared, const RowSource<T>& source, int rows) {
    using Tile = HeadTile<kHeadSize>;
    constexpr int kAtOnce = kWarp / Tile::kLanes;
    const int first = lane() % Tile::kLanes * kChunk;
    for (int row = lane() / Tile::kLanes; row < rows; row += kAtOnce) {
        const bool is_there = row < source.count;
        Chunk part =
            load_part(source.first + (is_there ? row : 0) * source.stride, first, is_there ? kHeadSize : 0, true);
        normalise_head<Tile::kLanes>(part, source.steps, first, kHeadSize);
        if (is_there && source.steps.turns)
            rotate_head(part, source.steps.turns + row * source.token_turns, first, kHeadSize);
        if (!is_there) part = Chunk{};  // a bias may have made something of nothing
        if (first < padded_head(kHeadSize)) store_chunk(shared + row * Tile::kRow + first, part);
    }
}

/// 16 queries against all keys.
template <int kHeadSize, class T>
__device__ void attend_rows(const TemporalArguments<T>& all, T* query_rows, const T* keys, const T* values,
                            HeadSums<kHeadSize>& sums) {
    using Tile = HeadTile<kHeadSize>;
    uint32_t queries[Tile::kSteps][4];
    load_queries<kHeadSize>(queries, query_rows);
    sync_warp();  // results go where the queries were
    for (int key = 0; key < all.keys; key += kMatrixSide) {
        float scores[2][4] = {};
        score_keys<kHeadSize>(scores, queries, keys + key * Tile::kRow);
        weigh_keys<kHeadSize>(scores, sums, all.scale, [&](int column) { return key + column < all.keys; });
        add_values<kHeadSize>(sums, scores, values + key * Tile::kRow);
    }
}

/// What one block does: each warp one head of one site. `shared` is the block's shared memory, at a multiple of 16.
template <int kHeadSize, class T>
__device__ void temporal_block(const TemporalArguments<T>& all, T* shared) {
    using Tile = HeadTile<kHeadSize>;
    const int64_t item = block_x() * (threads_in_block() / kWarp) + warp_in_block();
    if (item >= all.outer * all.inner * all.heads) return;  // a whole warp; no barrier of the block follows
    const int64_t site = item / all.heads;
    const HeadPlace place = {site, site / all.inner, site % all.inner, static_cast<int>(item % all.heads)};
    const int key_rows = padded_tokens(all.keys);
    T* keys = shared + warp_in_block() * temporal_elements_per_warp(all.keys, kHeadSize);
    T* values = keys + key_rows * Tile::kRow;
    T* query_rows = values + key_rows * Tile::kRow;
    stage_rows<kHeadSize>(
        keys, {all.k + offset_of(place, all.k_strides), all.k_strides.token, all.keys, all.key_steps, all.token_turns},
        key_rows);
    stage_rows<kHeadSize>(values, {all.v + offset_of(place, all.v_strides), all.v_strides.token, all.keys, {}, 0},
                          key_rows);
    for (int query = 0; query < all.queries; query += kMatrixSide) {
        HeadSteps steps = all.query_steps;
        if (steps.turns) steps.turns += query * all.token_turns;
        const T* first = all.q + offset_of(place, all.q_strides) + query * all.q_strides.token;
        stage_rows<kHeadSize>(query_rows, {first, all.q_strides.token, all.queries - query, steps, all.token_turns},
                              kMatrixSide);
        sync_warp();
        HeadSums<kHeadSize> sums;
        attend_rows<kHeadSize>(all, query_rows, keys, values, sums);
        write_rows<kHeadSize>(all, place, query, sums, query_rows);
    }
}

}  // namespace kine::kernels::cuda
