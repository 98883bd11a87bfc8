// Attention between few tokens, as the temporal attention of video models is: what it is asked, and how it is spread
// over a GPU. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/attention/matrix_launch.h"
#include "kernels/rope/query_key_launch.h"

namespace kine::kernels::cuda {

template <class T>
struct TemporalArguments : MatrixArguments<T> {
    HeadSteps query_steps, key_steps;  ///< turns of the first token
    int64_t token_turns = 0;           ///< elements from one token's turns to the next
};

inline constexpr int kMostTemporalTokens = 64;
inline constexpr int kMostTemporalWarps = 4;
inline constexpr int kMostTemporalThreads = kMostTemporalWarps * kWarp;

constexpr int padded_tokens(int tokens) { return static_cast<int>(divide_up(tokens, kMatrixSide)) * kMatrixSide; }

/// Keys and values whole, queries 16 at a time.
constexpr int temporal_elements_per_warp(int keys, int head_size) {
    return (2 * padded_tokens(keys) + kMatrixSide) * shared_row(head_size);
}

constexpr bool temporal_can_run(int queries, int keys, int head_size) {
    const bool fits = queries <= kMostTemporalTokens && keys > 0 && keys <= kMostTemporalTokens;
    return fits && (head_size == 32 || head_size == 64 || head_size == 72 || head_size == 96 || head_size == 128);
}

/// One warp a site and head; as many warps a block as shared memory that needs no asking for holds.
constexpr Launch temporal_launch(int64_t sites, int heads, int keys, int head_size) {
    const int bytes = temporal_elements_per_warp(keys, head_size) * kMatrixBytes;
    int warps = kMostTemporalWarps;
    while (warps > 1 && warps * bytes > kSharedWithoutAsking) warps /= 2;
    return {divide_up(sites * heads, warps), 1, warps * kWarp, warps * bytes};
}

}  // namespace kine::kernels::cuda
