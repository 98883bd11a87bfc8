// Attention between up to 64 tokens by one warp a site and head, straight from packed projections: rows are gathered by
// their strides, normed and turned on the way into shared memory, multiplied by the matrix unit (m16n8k16), and softmax
// runs online over blocks of 16 keys (Dao et al. 2022). Libraries tile 64 x 128, of which 16 tokens use two percent.
#pragma once

#include "kernels/attention/temporal_launch.h"
#include "kernels/rope/query_key.cuh"

#include <cmath>

namespace kine::kernels::cuda {

/// Layout of one head size.
template <int kHeadSize>
struct TemporalTile {
    static constexpr int kRow = temporal_row(kHeadSize);
    static constexpr int kSteps = padded_head(kHeadSize) / kMatrixSide;  ///< along the channels of q and k
    static constexpr int kColumns = kHeadSize / 8;                       ///< tiles of eight channels of v
    static constexpr int kLanes = power_of_two_above(padded_head(kHeadSize) / kChunk);
};

/// Rows of one head on their way into shared memory.
struct RowSource {
    const BFloat16* first = nullptr;
    int64_t stride = 0;
    int count = 0;  ///< rows that are there; further ones are zero
    HeadSteps steps;
    int64_t token_turns = 0;
};

/// `rows`, a multiple of 16, into shared memory, with zeros behind the last channel and the last row.
template <int kHeadSize>
__device__ void stage_rows(BFloat16* shared, const RowSource& source, int rows) {
    using Tile = TemporalTile<kHeadSize>;
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

/// Running softmax of two query rows, lane / 4 and that plus 8, of which a lane holds a quarter of the columns.
template <int kHeadSize>
struct TemporalSums {
    float out[TemporalTile<kHeadSize>::kColumns][4] = {};
    float most[2] = {-INFINITY, -INFINITY};
    float total[2] = {};  ///< of this lane's columns
};

/// Scores of 16 queries with the 16 keys from `key` on: tile t has the keys key + 8t ...
template <int kHeadSize>
__device__ void score_block(float (&scores)[2][4], const uint32_t (&queries)[TemporalTile<kHeadSize>::kSteps][4],
                            const BFloat16* keys) {
    using Tile = TemporalTile<kHeadSize>;
#pragma unroll
    for (int tile = 0; tile < 2; ++tile) {
        const BFloat16* row = keys + (tile * 8 + lane() / 4) * Tile::kRow + lane() % 4 * 2;
#pragma unroll
        for (int step = 0; step < Tile::kSteps; ++step) {
            const BFloat16* at = row + step * kMatrixSide;
            const uint32_t part[2] = {load_word(at), load_word(at + 8)};
            multiply_add(scores[tile], queries[step], part);
        }
    }
}

/// Scales, drops keys behind the last, and turns scores into weights of the running softmax.
template <int kHeadSize>
__device__ void weigh_block(float (&scores)[2][4], TemporalSums<kHeadSize>& sums, float scale, int keys_left) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {  // the row lane / 4, then the row eight below
        float most = sums.most[half];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int tile = i / 2, column = i % 2;
            float& score = scores[tile][half * 2 + column];
            score = tile * 8 + lane() % 4 * 2 + column < keys_left ? score * scale : -INFINITY;
            most = fmaxf(most, score);
        }
        most = max_over<4>(most);
        const float fade = fast_exp(sums.most[half] - most);
        sums.most[half] = most;
        sums.total[half] *= fade;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            float& score = scores[i / 2][half * 2 + i % 2];
            score = fast_exp(score - most);
            sums.total[half] += score;
        }
#pragma unroll
        for (int tile = 0; tile < TemporalTile<kHeadSize>::kColumns; ++tile) {
            sums.out[tile][half * 2] *= fade;
            sums.out[tile][half * 2 + 1] *= fade;
        }
    }
}

template <int kHeadSize>
__device__ void add_values(TemporalSums<kHeadSize>& sums, const float (&weights)[2][4], const BFloat16* values) {
    using Tile = TemporalTile<kHeadSize>;
    // The sums of two score tiles lie as the next product's left factor wants them.
    const uint32_t left[4] = {pack_bfloat16(weights[0][0], weights[0][1]), pack_bfloat16(weights[0][2], weights[0][3]),
                              pack_bfloat16(weights[1][0], weights[1][1]), pack_bfloat16(weights[1][2], weights[1][3])};
    const BFloat16* row = values + lane() % 16 * Tile::kRow;
#pragma unroll
    for (int tile = 0; tile < Tile::kColumns; ++tile) {
        uint32_t right[2];
        load_transposed(right, row + tile * 8);
        multiply_add(sums.out[tile], left, right);
    }
}

/// Where the rows of one site's head begin, and its number among [B1, B2].
struct TemporalPlace {
    int64_t site, outer, inner;
    int head;
};

__device__ inline int64_t offset_of(const TemporalPlace& place, const HeadStrides& strides) {
    return place.outer * strides.outer + place.inner * strides.inner + place.head * strides.head;
}

/// 16 results through shared memory, so that rows leave by 16 bytes.
template <int kHeadSize>
__device__ void write_rows(const TemporalArguments& all, const TemporalPlace& place, int first_query,
                           const TemporalSums<kHeadSize>& sums, BFloat16* shared) {
    using Tile = TemporalTile<kHeadSize>;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        const float total = sum_over<4>(sums.total[half]);
        const int row = lane() / 4 + half * 8, query = first_query + row;
#pragma unroll
        for (int tile = 0; tile < Tile::kColumns; ++tile) {
            const uint32_t pair = pack_bfloat16(sums.out[tile][half * 2] / total, sums.out[tile][half * 2 + 1] / total);
            store_word(shared + row * Tile::kRow + tile * 8 + lane() % 4 * 2, pair);
        }
        if (all.log_sums && lane() % 4 == 0 && query < all.queries)
            all.log_sums[(place.site * all.queries + query) * all.heads + place.head] =
                sums.most[half] + natural_log(total);
    }
    sync_warp();
    BFloat16* out = all.out + offset_of(place, all.out_strides) + first_query * all.out_strides.token;
    const int rows = all.queries - first_query < kMatrixSide ? all.queries - first_query : kMatrixSide;
    for (int i = lane(); i < rows * Tile::kColumns; i += kWarp) {
        const int row = i / Tile::kColumns, channel = i % Tile::kColumns * 8;
        store_words(out + row * all.out_strides.token + channel, load_words(shared + row * Tile::kRow + channel));
    }
    sync_warp();  // the next 16 queries take this memory
}

/// 16 queries against all keys.
template <int kHeadSize>
__device__ void attend_rows(const TemporalArguments& all, BFloat16* query_rows, const BFloat16* keys,
                            const BFloat16* values, TemporalSums<kHeadSize>& sums) {
    using Tile = TemporalTile<kHeadSize>;
    uint32_t queries[Tile::kSteps][4];
#pragma unroll
    for (int step = 0; step < Tile::kSteps; ++step) {
        const BFloat16* at = query_rows + lane() / 4 * Tile::kRow + lane() % 4 * 2 + step * kMatrixSide;
        queries[step][0] = load_word(at);
        queries[step][1] = load_word(at + 8 * Tile::kRow);
        queries[step][2] = load_word(at + 8);
        queries[step][3] = load_word(at + 8 * Tile::kRow + 8);
    }
    sync_warp();  // results go where the queries were
    for (int key = 0; key < all.keys; key += kMatrixSide) {
        float scores[2][4] = {};
        score_block<kHeadSize>(scores, queries, keys + key * Tile::kRow);
        weigh_block<kHeadSize>(scores, sums, all.scale, all.keys - key);
        add_values<kHeadSize>(sums, scores, values + key * Tile::kRow);
    }
}

/// What one block does: each warp one head of one site. `shared` is the block's shared memory, at a multiple of 16.
template <int kHeadSize>
__device__ void temporal_block(const TemporalArguments& all, BFloat16* shared) {
    using Tile = TemporalTile<kHeadSize>;
    const int64_t item = block_x() * (threads_in_block() / kWarp) + warp_in_block();
    if (item >= all.outer * all.inner * all.heads) return;  // a whole warp; no barrier of the block follows
    const int64_t site = item / all.heads;
    const TemporalPlace place = {site, site / all.inner, site % all.inner, static_cast<int>(item % all.heads)};
    const int key_rows = padded_tokens(all.keys);
    BFloat16* keys = shared + warp_in_block() * temporal_elements_per_warp(all.keys, kHeadSize);
    BFloat16* values = keys + key_rows * Tile::kRow;
    BFloat16* query_rows = values + key_rows * Tile::kRow;
    stage_rows<kHeadSize>(
        keys, {all.k + offset_of(place, all.k_strides), all.k_strides.token, all.keys, all.key_steps, all.token_turns},
        key_rows);
    stage_rows<kHeadSize>(values, {all.v + offset_of(place, all.v_strides), all.v_strides.token, all.keys, {}, 0},
                          key_rows);
    for (int query = 0; query < all.queries; query += kMatrixSide) {
        HeadSteps steps = all.query_steps;
        if (steps.turns) steps.turns += query * all.token_turns;
        const BFloat16* first = all.q + offset_of(place, all.q_strides) + query * all.q_strides.token;
        stage_rows<kHeadSize>(query_rows, {first, all.q_strides.token, all.queries - query, steps, all.token_turns},
                              kMatrixSide);
        sync_warp();
        TemporalSums<kHeadSize> sums;
        attend_rows<kHeadSize>(all, query_rows, keys, values, sums);
        write_rows<kHeadSize>(all, place, query, sums, query_rows);
    }
}

}  // namespace kine::kernels::cuda
