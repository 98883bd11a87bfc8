// Attention between few tokens as it is written first and second: a query by one thread, from memory and from shared
// memory.
#pragma once

#include "kernels/attention/temporal.cuh"

namespace kine::bench {

using namespace kernels::cuda;

inline constexpr int kQueriesPerBlock = 128;  ///< of the first rung, a thread each

constexpr Launch thread_per_query_launch(int64_t queries) {
    return {divide_up(queries, kQueriesPerBlock), 1, kQueriesPerBlock, 0};
}

/// `first` of the tokens of one head, and elements from one to the next.
struct TokenRows {
    const BFloat16* first = nullptr;
    int64_t stride = 0;
};

template <int kHeadSize>
__device__ void attend_alone(const TemporalArguments<BFloat16>& all, const HeadPlace& place, int query, TokenRows keys,
                             TokenRows values) {
    const BFloat16* asking = all.q + offset_of(place, all.q_strides) + query * all.q_strides.token;
    float out[kHeadSize] = {};
    float most = -INFINITY, total = 0.0f;
    for (int key = 0; key < all.keys; ++key) {
        const BFloat16* k = keys.first + key * keys.stride;
        const BFloat16* v = values.first + key * values.stride;
        float score = 0.0f;
        for (int d = 0; d < kHeadSize; ++d) score += widen(asking[d]) * widen(k[d]);
        score *= all.scale;
        const float raised = fmaxf(most, score);
        const float before = fast_exp(most - raised), share = fast_exp(score - raised);
        total = total * before + share;
        for (int d = 0; d < kHeadSize; ++d) out[d] = out[d] * before + share * widen(v[d]);
        most = raised;
    }
    BFloat16* to = all.out + offset_of(place, all.out_strides) + query * all.out_strides.token;
    for (int d = 0; d < kHeadSize; ++d) narrow(out[d] / total, to[d]);
}

__device__ inline HeadPlace place_of(const TemporalArguments<BFloat16>& all, int64_t item) {
    const int64_t site = item / all.heads;
    return {site, site / all.inner, site % all.inner, static_cast<int>(item % all.heads)};
}

template <int kHeadSize>
__device__ void thread_per_query_block(const TemporalArguments<BFloat16>& all) {
    const int64_t asked = block_x() * kQueriesPerBlock + thread_in_block();
    if (asked >= all.outer * all.inner * all.heads * all.queries) return;
    const HeadPlace place = place_of(all, asked / all.queries);
    attend_alone<kHeadSize>(all, place, static_cast<int>(asked % all.queries),
                            {all.k + offset_of(place, all.k_strides), all.k_strides.token},
                            {all.v + offset_of(place, all.v_strides), all.v_strides.token});
}

/// Launched as the last rung is.
template <int kHeadSize>
__device__ void staged_block(const TemporalArguments<BFloat16>& all, BFloat16* shared) {
    using Tile = HeadTile<kHeadSize>;
    const int64_t item = block_x() * (threads_in_block() / kWarp) + warp_in_block();
    if (item >= all.outer * all.inner * all.heads) return;  // a whole warp; no barrier of the block follows
    const HeadPlace place = place_of(all, item);
    const int rows = padded_tokens(all.keys);
    BFloat16* keys = shared + warp_in_block() * temporal_elements_per_warp(all.keys, kHeadSize);
    BFloat16* values = keys + rows * Tile::kRow;
    stage_rows<kHeadSize>(keys, {all.k + offset_of(place, all.k_strides), all.k_strides.token, all.keys, {}, 0}, rows);
    stage_rows<kHeadSize>(values, {all.v + offset_of(place, all.v_strides), all.v_strides.token, all.keys, {}, 0},
                          rows);
    sync_warp();
    for (int query = lane(); query < all.queries; query += kWarp)
        attend_alone<kHeadSize>(all, place, query, {keys, Tile::kRow}, {values, Tile::kRow});
}

}  // namespace kine::bench
