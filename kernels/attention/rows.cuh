// Attention of any kind: a warp takes one query through all keys, 32 at a time, with an online softmax. A lane scores a
// key of its own, then all lanes share the weights and each adds up channels of its own.
#pragma once

#include "kernels/attention/rows_launch.h"
#include "kernels/cuda/vec.cuh"
#include "kernels/cuda/warp.cuh"

namespace kine::kernels::cuda {

/// Of one query and head: its number in [B1, B2, Lq, H], and where that is.
struct QueryPlace {
    int64_t row, outer, inner, query, head;
};

__device__ inline QueryPlace place_of_query(const RowAttentionArguments& all, int64_t row) {
    const int64_t token = row / all.heads, site = token / all.queries;
    return {row, site / all.inner, site % all.inner, token % all.queries, row % all.heads};
}

__device__ inline int64_t head_offset(const QueryPlace& place, const HeadStrides& strides) {
    return place.outer * strides.outer + place.inner * strides.inner + place.head * strides.head;
}

/// q.k with bias; minus infinity for a key that is not there.
template <class T>
__device__ float score_of(const RowAttentionArguments& all, const QueryPlace& place, const T* keys, const float* query,
                          int64_t key) {
    if (key >= all.keys || (all.key_mask && all.key_mask[place.outer * all.keys + key] == 0)) return -INFINITY;
    const T* row = keys + key * all.k_strides.token;
    float sum = 0.0f;
    for (int i = 0; i < all.head_size; ++i) sum += query[i] * widen(row[i]);
    sum *= all.scale;
    if (all.bias) sum += all.bias[(place.head * all.queries + place.query) * all.keys + key];
    return sum;
}

/// The running softmax of a query, alike in all lanes but for `values`, of which a lane has channels lane, lane + 32...
struct RowSums {
    float most = -INFINITY;
    float total = 0.0f;
    float values[kRowAttentionParts] = {};
};

/// Takes 32 scores, one a lane, into the sums.
template <class T>
__device__ void take_keys(const RowAttentionArguments& all, const T* values, int64_t first, float score, float* weights,
                          RowSums& sums) {
    const float most = fmaxf(sums.most, max_over<kWarp>(score));
    if (most == -INFINITY) return;  // none of these keys is there, and none was
    const float fade = natural_exp(sums.most - most), weight = natural_exp(score - most);
    sums.most = most;
    sums.total = sums.total * fade + sum_over<kWarp>(weight);
    weights[lane()] = weight;
    sync_warp();
    const int64_t left = all.keys - first;
    const int count = left < kWarp ? static_cast<int>(left) : kWarp;
    for (int part = 0, channel = lane(); channel < all.head_size; ++part, channel += kWarp) {
        float sum = sums.values[part] * fade;
        for (int i = 0; i < count; ++i) sum += weights[i] * widen(values[(first + i) * all.v_strides.token + channel]);
        sums.values[part] = sum;
    }
    sync_warp();  // until all have read the weights
}

/// What one block does; `shared` is row_attention_floats() for each of its warps.
template <class T>
__device__ void row_attention_block(const RowAttentionArguments& all, float* shared) {
    const int64_t row = block_x() * kRowAttentionWarps + warp_in_block();
    if (row >= all.rows()) return;  // a whole warp; no barrier of the block follows
    const QueryPlace place = place_of_query(all, row);
    float* query = shared + warp_in_block() * row_attention_floats(all.head_size);
    float* weights = query + all.head_size;
    const T* q =
        reinterpret_cast<const T*>(all.q) + head_offset(place, all.q_strides) + place.query * all.q_strides.token;
    for (int i = lane(); i < all.head_size; i += kWarp) query[i] = widen(q[i]);
    sync_warp();
    const T* keys = reinterpret_cast<const T*>(all.k) + head_offset(place, all.k_strides);
    const T* values = reinterpret_cast<const T*>(all.v) + head_offset(place, all.v_strides);
    RowSums sums;
    for (int64_t first = 0; first < all.keys; first += kWarp)
        take_keys(all, values, first, score_of(all, place, keys, query, first + lane()), weights, sums);
    T* out = reinterpret_cast<T*>(all.out) + head_offset(place, all.out_strides) + place.query * all.out_strides.token;
    for (int part = 0, channel = lane(); channel < all.head_size; ++part, channel += kWarp)
        narrow(sums.values[part] / sums.total, out[channel]);
    if (all.log_sums && lane() == 0) all.log_sums[row] = sums.most + natural_log(sums.total);
}

}  // namespace kine::kernels::cuda
