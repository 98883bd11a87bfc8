// Attention without softmax: what it is asked on a GPU, and how it is spread over one. Plain C++: host, device and
// tests share it.
#pragma once

#include "kernels/cuda/rows.h"

namespace kine::kernels::cuda {

/// q, k [batches, tokens, heads, size], v, out [batches, tokens, heads, width], states [batches, heads, size,
/// width + 1]; f32 and contiguous. Null: what a launch does not need.
struct LinearAttentionArguments {
    const float* q = nullptr;
    const float* k = nullptr;
    const float* v = nullptr;
    const float* plain_q = nullptr;  ///< like q, or null: there is no denominator
    const float* plain_k = nullptr;
    const float* decay = nullptr;  ///< [heads], or null
    float* state = nullptr;
    float* out = nullptr;
    int64_t batches = 0;
    int64_t tokens = 0;
    int64_t heads = 0;
    int size = 0;
    int width = 0;
    float eps = 0.0f;

    constexpr int columns() const { return width + 1; }  ///< of a state
    constexpr int64_t rows() const { return batches * heads; }
};

/// state = exp(-decay * length) state + part, each [batches, heads, values].
struct FollowStateArguments {
    float* state = nullptr;
    const float* part = nullptr;
    const float* decay = nullptr;  ///< [heads], or null
    int64_t batches = 0;
    int64_t heads = 0;
    int64_t values = 0;
    float length = 0.0f;

    constexpr int64_t all() const { return batches * heads * values; }
};

inline constexpr int kLinearThreads = 256;

/// A value of a state a thread, which goes through all keys: neighbours share them.
constexpr Launch take_keys_launch(const LinearAttentionArguments& all) {
    return {all.rows(), divide_up(int64_t{all.size} * all.columns(), kLinearThreads), kLinearThreads, 0};
}

/// A warp a query; lanes share its columns.
constexpr Launch ask_state_launch(const LinearAttentionArguments& all) {
    return {divide_up(all.rows() * all.tokens, kLinearThreads / kWarp), 1, kLinearThreads, 0};
}

/// The order of tokens leaves batches, heads and columns to share out: a warp has 32 columns of a state.
constexpr Launch causal_launch(const LinearAttentionArguments& all) {
    return {all.rows(), divide_up(all.width, kWarp), kWarp, 0};
}

/// A warp a head: what all its columns are divided by.
constexpr Launch causal_divide_launch(const LinearAttentionArguments& all) { return {all.rows(), 1, kWarp, 0}; }

constexpr Launch follow_state_launch(const FollowStateArguments& all) {
    return {divide_up(all.all(), kLinearThreads), 1, kLinearThreads, 0};
}

}  // namespace kine::kernels::cuda
