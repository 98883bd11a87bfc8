// What happens to queries and keys before they meet: a norm of each head and rotary embedding, and how it is spread
// over a GPU. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"

namespace kine::kernels::cuda {

enum class HeadNorm { None, Rms, Layer };

/// For one head of one token. Weights f32 [D] or null; `turns` as in rope.h: cos and sin of pair k at 2k and 2k + 1.
struct HeadSteps {
    HeadNorm norm = HeadNorm::None;
    const float* weight = nullptr;
    const float* bias = nullptr;
    const float* turns = nullptr;  ///< null: no rotation
    float eps = 0.0f;
};

/// Queries and keys [B, T, S, H, D] as they lie in packed projections, changed in place. A token's heads lie together.
template <class T>
struct QueryKeyArguments {
    T* queries = nullptr;
    T* keys = nullptr;  ///< with the strides of the queries; null: there are queries only
    int64_t tokens = 0;
    int64_t token_stride = 0;
    int heads = 0;
    int head_size = 0;
    HeadSteps query_steps, key_steps;  ///< their turns begin at the first frame's first patch
    int64_t frames = 1;
    int64_t patches = 1;
    int64_t frame_turns = 0;  ///< elements from one frame's turns to the next; 0: shared
    int64_t patch_turns = 0;
    bool by_words = false;  ///< every head begins at a multiple of 16 bytes, head_size is a multiple of eight

    constexpr int sides() const { return keys ? 2 : 1; }
};

inline constexpr int kHeadThreads = 128;
inline constexpr int kWidestHead = 256;

/// Lanes that share one head, a chunk each: a power of two; 0 for heads wider than kWidestHead.
constexpr int lanes_per_head(int head_size) {
    return head_size > kWidestHead ? 0 : power_of_two_above(static_cast<int>(divide_up(head_size, kChunk)));
}

/// One run of lanes for each head of each token, and of each of its `sides`: queries, or queries and keys.
constexpr Launch query_key_launch(int64_t tokens, int heads, int head_size, int sides) {
    const int64_t heads_in_all = sides * tokens * heads;
    return {divide_up(heads_in_all * lanes_per_head(head_size), kHeadThreads), 1, kHeadThreads, 0};
}

}  // namespace kine::kernels::cuda
