// Attention between many tokens on the matrix unit (Dao et al. 2022): a block takes 64 queries of one head through all
// keys, 64 at a time in shared memory, straight from packed projections.
#pragma once

#include "kernels/attention/flash_launch.h"
#include "kernels/attention/matrix.cuh"

namespace kine::kernels::cuda {

/// 64 rows of one head into shared memory by the whole block, zeros behind the last channel and the last row.
template <int kHeadSize, class T>
__device__ void stage_block(T* shared, const T* first, int64_t stride, int count) {
    using Tile = HeadTile<kHeadSize>;
    constexpr int kParts = padded_head(kHeadSize) / kChunk;
    for (int i = thread_in_block(); i < kFlashKeys * kParts; i += kFlashThreads) {
        const int row = i / kParts, channel = i % kParts * kChunk;
        Words words = {};
        if (row < count && channel < kHeadSize) words = load_words(first + row * stride + channel);
        store_words(shared + row * Tile::kRow + channel, words);
    }
}

/// 16 queries against the keys and values in shared memory, of which `first` is the first.
template <int kHeadSize, class T>
__device__ void attend_keys(const FlashArguments<T>& all, const HeadPlace& place, int first,
                            const uint32_t (&queries)[HeadTile<kHeadSize>::kSteps][4], const T* keys, const T* values,
                            HeadSums<kHeadSize>& sums) {
    constexpr int kTiles = kFlashKeys / 8;
    const uint8_t* mask = all.key_mask ? all.key_mask + place.outer * all.keys + first : nullptr;
    const int left = all.keys - first;
    float scores[kTiles][4] = {};
    score_keys<kHeadSize>(scores, queries, keys);
    if (mask) {
        weigh_keys<kHeadSize>(scores, sums, all.scale, [=](int key) { return key < left && mask[key] != 0; });
    } else if (left < kFlashKeys) {
        weigh_keys<kHeadSize>(scores, sums, all.scale, [=](int key) { return key < left; });
    } else {
        weigh_keys<kHeadSize>(scores, sums, all.scale, [](int) { return true; });
    }
    add_values<kHeadSize>(sums, scores, values);
}

/// What one block does. `shared` is the block's shared memory, at a multiple of 16.
template <int kHeadSize, class T>
__device__ void flash_block(const FlashArguments<T>& all, T* shared) {
    using Tile = HeadTile<kHeadSize>;
    const int64_t parts = divide_up(all.queries, kFlashQueries);
    const int64_t item = block_x() / parts, site = item / all.heads;
    const HeadPlace place = {site, site / all.inner, site % all.inner, static_cast<int>(item % all.heads)};
    const int first_query = static_cast<int>(block_x() % parts) * kFlashQueries;
    T* keys = shared;
    T* values = keys + kFlashKeys * Tile::kRow;
    T* own_rows = keys + warp_in_block() * kMatrixSide * Tile::kRow;
    const T* q = all.q + offset_of(place, all.q_strides) + first_query * all.q_strides.token;
    const T* k = all.k + offset_of(place, all.k_strides);
    const T* v = all.v + offset_of(place, all.v_strides);
    stage_block<kHeadSize>(keys, q, all.q_strides.token, all.queries - first_query);  // queries pass through here
    sync_block();
    uint32_t queries[Tile::kSteps][4];
    load_queries<kHeadSize>(queries, own_rows);
    HeadSums<kHeadSize> sums;
    for (int key = 0; key < all.keys; key += kFlashKeys) {
        sync_block();  // until all are done with what was there
        stage_block<kHeadSize>(keys, k + key * all.k_strides.token, all.k_strides.token, all.keys - key);
        stage_block<kHeadSize>(values, v + key * all.v_strides.token, all.v_strides.token, all.keys - key);
        sync_block();
        attend_keys<kHeadSize>(all, place, key, queries, keys, values, sums);
    }
    sync_block();
    const int own_query = first_query + warp_in_block() * kMatrixSide;
    write_rows<kHeadSize>(all, place, own_query, sums, own_rows);
}

}  // namespace kine::kernels::cuda
