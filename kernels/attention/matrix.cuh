// Sixteen queries of one head on the matrix unit (m16n8k16) of one warp: scores, online softmax over some keys at a
// time (Dao et al. 2022), sums of values, results. What attention between few tokens and attention between many share.
#pragma once

#include "kernels/attention/matrix_launch.h"
#include "kernels/cuda/vec.cuh"
#include "kernels/cuda/warp.cuh"

#include <cmath>

namespace kine::kernels::cuda {

/// Layout of one head size.
template <int kHeadSize>
struct HeadTile {
    static constexpr int kRow = shared_row(kHeadSize);
    static constexpr int kSteps = padded_head(kHeadSize) / kMatrixSide;  ///< along the channels of q and k
    static constexpr int kColumns = kHeadSize / 8;                       ///< tiles of eight channels of v
    static constexpr int kLanes = power_of_two_above(padded_head(kHeadSize) / kChunk);
};

/// Running softmax of two query rows, lane / 4 and that plus 8, of which a lane holds a quarter of the columns.
template <int kHeadSize>
struct HeadSums {
    float out[HeadTile<kHeadSize>::kColumns][4] = {};
    float most[2] = {-INFINITY, -INFINITY};
    float total[2] = {};  ///< of this lane's columns
};

/// Sixteen rows as the left factor: of queries [16, kRow] in shared memory.
template <int kHeadSize, class T>
__device__ void load_queries(uint32_t (&queries)[HeadTile<kHeadSize>::kSteps][4], const T* rows) {
    using Tile = HeadTile<kHeadSize>;
#pragma unroll
    for (int step = 0; step < Tile::kSteps; ++step) {
        const T* at = rows + lane() / 4 * Tile::kRow + lane() % 4 * 2 + step * kMatrixSide;
        queries[step][0] = load_word(at);
        queries[step][1] = load_word(at + 8 * Tile::kRow);
        queries[step][2] = load_word(at + 8);
        queries[step][3] = load_word(at + 8 * Tile::kRow + 8);
    }
}

/// Scores of 16 queries with 8 kTiles keys: tile t has the keys 8t ...
template <int kHeadSize, int kTiles, class T>
__device__ void score_keys(float (&scores)[kTiles][4], const uint32_t (&queries)[HeadTile<kHeadSize>::kSteps][4],
                           const T* keys) {
    using Tile = HeadTile<kHeadSize>;
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
        const T* row = keys + (tile * 8 + lane() / 4) * Tile::kRow + lane() % 4 * 2;
#pragma unroll
        for (int step = 0; step < Tile::kSteps; ++step) {
            const T* at = row + step * kMatrixSide;
            const uint32_t part[2] = {load_word(at), load_word(at + 8)};
            multiply_add<T>(scores[tile], queries[step], part);
        }
    }
}

/// Scales, drops the keys that `keeps` says no to, and turns scores into weights of the running softmax.
template <int kHeadSize, int kTiles, class Keeps>
__device__ void weigh_keys(float (&scores)[kTiles][4], HeadSums<kHeadSize>& sums, float scale, const Keeps& keeps) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {  // the row lane / 4, then the row eight below
        float most = sums.most[half];
#pragma unroll
        for (int i = 0; i < 2 * kTiles; ++i) {
            const int tile = i / 2, column = i % 2;
            float& score = scores[tile][half * 2 + column];
            score = keeps(tile * 8 + lane() % 4 * 2 + column) ? score * scale : -INFINITY;
            most = fmaxf(most, score);
        }
        most = max_over<4>(most);
        const float base = most == -INFINITY ? 0.0f : most;  // no key so far: all weights are 0, not 0 / 0
        const float fade = fast_exp(sums.most[half] - base);
        sums.most[half] = most;
        sums.total[half] *= fade;
#pragma unroll
        for (int i = 0; i < 2 * kTiles; ++i) {
            float& score = scores[i / 2][half * 2 + i % 2];
            score = fast_exp(score - base);
            sums.total[half] += score;
        }
#pragma unroll
        for (int tile = 0; tile < HeadTile<kHeadSize>::kColumns; ++tile) {
            sums.out[tile][half * 2] *= fade;
            sums.out[tile][half * 2 + 1] *= fade;
        }
    }
}

/// Adds the values [8 kTiles, kRow] by their weights.
template <int kHeadSize, int kTiles, class T>
__device__ void add_values(HeadSums<kHeadSize>& sums, const float (&weights)[kTiles][4], const T* values) {
    using Tile = HeadTile<kHeadSize>;
#pragma unroll
    for (int pair = 0; pair < kTiles / 2; ++pair) {
        // The sums of two score tiles lie as the next product's left factor wants them.
        const float(&a)[4] = weights[2 * pair];
        const float(&b)[4] = weights[2 * pair + 1];
        const uint32_t left[4] = {pack<T>(a[0], a[1]), pack<T>(a[2], a[3]), pack<T>(b[0], b[1]), pack<T>(b[2], b[3])};
        const T* row = values + (pair * kMatrixSide + lane() % 16) * Tile::kRow;
#pragma unroll
        for (int tile = 0; tile < Tile::kColumns; ++tile) {
            uint32_t right[2];
            load_transposed(right, row + tile * 8);
            multiply_add<T>(sums.out[tile], left, right);
        }
    }
}

/// Where the rows of one site's head begin, and its number among [B1, B2].
struct HeadPlace {
    int64_t site, outer, inner;
    int head;
};

__device__ inline int64_t offset_of(const HeadPlace& place, const HeadStrides& strides) {
    return place.outer * strides.outer + place.inner * strides.inner + place.head * strides.head;
}

/// 16 results through shared memory, so that rows leave by 16 bytes.
template <int kHeadSize, class T>
__device__ void write_rows(const MatrixArguments<T>& all, const HeadPlace& place, int first_query,
                           const HeadSums<kHeadSize>& sums, T* shared) {
    using Tile = HeadTile<kHeadSize>;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        const float total = sum_over<4>(sums.total[half]);
        const int row = lane() / 4 + half * 8, query = first_query + row;
#pragma unroll
        for (int tile = 0; tile < Tile::kColumns; ++tile) {
            const uint32_t pair = pack<T>(sums.out[tile][half * 2] / total, sums.out[tile][half * 2 + 1] / total);
            store_word(shared + row * Tile::kRow + tile * 8 + lane() % 4 * 2, pair);
        }
        if (all.log_sums && lane() % 4 == 0 && query < all.queries)
            all.log_sums[(place.site * all.queries + query) * all.heads + place.head] =
                sums.most[half] + natural_log(total);
    }
    sync_warp();
    T* out = all.out + offset_of(place, all.out_strides) + first_query * all.out_strides.token;
    const int rows = all.queries - first_query < kMatrixSide ? all.queries - first_query : kMatrixSide;
    for (int i = lane(); i < rows * Tile::kColumns; i += kWarp) {
        const int row = i / Tile::kColumns, channel = i % Tile::kColumns * 8;
        store_words(out + row * all.out_strides.token + channel, load_words(shared + row * Tile::kRow + channel));
    }
    sync_warp();  // the next 16 queries take this memory
}

}  // namespace kine::kernels::cuda
