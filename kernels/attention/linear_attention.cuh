// Attention without softmax by its state, sums of keys times values. Keys go into a state value by value, in their
// order, as on the host; a causal one goes from token to token, which leaves a GPU little to do at once, and is there
// for completeness until a model wants it in blocks (Qin et al., arXiv 2401.04658).
#pragma once

#include "kernels/attention/linear_attention_launch.h"
#include "kernels/cuda/warp.cuh"

namespace kine::kernels::cuda {

/// Where the rows of one head of one batch lie: `width` elements, the next token's `stride` behind.
struct HeadRows {
    int64_t first, stride;

    __device__ HeadRows(const LinearAttentionArguments& all, int64_t row, int width)
        : first((row / all.heads * all.tokens * all.heads + row % all.heads) * width), stride(all.heads * width) {}
    __device__ int64_t at(int64_t token) const { return first + token * stride; }
};

/// What is left of a state after one token.
__device__ inline float kept_of(const LinearAttentionArguments& all, int64_t row) {
    return all.decay ? natural_exp(-all.decay[row % all.heads]) : 1.0f;
}

/// All keys into one value of a state.
__device__ inline void take_keys_block(const LinearAttentionArguments& all) {
    const int64_t row = block_x(), place = block_y() * kLinearThreads + thread_in_block();
    if (place >= int64_t{all.size} * all.columns()) return;
    const auto channel = static_cast<int>(place / all.columns()), column = static_cast<int>(place % all.columns());
    const bool is_divisor = column == all.width;
    const float* keys = is_divisor ? all.plain_k : all.k;
    const HeadRows of_keys(all, row, all.size), of_values(all, row, all.width);
    const float kept = kept_of(all, row);
    float& value = all.state[row * all.size * all.columns() + place];
    float sum = value;
    for (int64_t token = 0; token < all.tokens; ++token) {
        const float key = keys ? keys[of_keys.at(token) + channel] : 0.0f;
        sum = kept * sum + (is_divisor ? key : key * all.v[of_values.at(token) + column]);
    }
    value = sum;
}

/// What one query finds in a state, by a warp.
__device__ inline void ask_state_block(const LinearAttentionArguments& all) {
    const int64_t item = block_x() * (kLinearThreads / kWarp) + warp_in_block();
    if (item >= all.rows() * all.tokens) return;  // a whole warp
    const int64_t row = item / all.tokens, token = item % all.tokens;
    const int64_t query = HeadRows(all, row, all.size).at(token), out = HeadRows(all, row, all.width).at(token);
    const float* state = all.state + row * all.size * all.columns();
    float divisor = 1.0f;
    if (all.plain_q) {
        float sum = 0.0f;
        for (int d = lane(); d < all.size; d += kWarp)
            sum += all.plain_q[query + d] * state[d * all.columns() + all.width];
        divisor = all.eps + sum_over<kWarp>(sum);
    }
    for (int column = lane(); column < all.width; column += kWarp) {
        float sum = 0.0f;
        for (int d = 0; d < all.size; ++d) sum += all.q[query + d] * state[d * all.columns() + column];
        all.out[out + column] = sum / divisor;
    }
}

/// Token by token: a key goes into 32 columns of the state, the query finds what they have. Nothing is divided.
__device__ inline void causal_block(const LinearAttentionArguments& all) {
    const int64_t row = block_x();
    const auto column = static_cast<int>(block_y() * kWarp) + lane();
    if (column >= all.width) return;  // no lane speaks to another
    const HeadRows of_keys(all, row, all.size), of_values(all, row, all.width);
    const float kept = kept_of(all, row);
    float* state = all.state + row * all.size * all.columns() + column;
    for (int64_t token = 0; token < all.tokens; ++token) {
        const float* k = all.k + of_keys.at(token);
        const float* q = all.q + of_keys.at(token);
        const float v = all.v[of_values.at(token) + column];
        float found = 0.0f;
        for (int d = 0; d < all.size; ++d) {
            float& value = state[d * all.columns()];
            value = kept * value + k[d] * v;
            found += q[d] * value;
        }
        all.out[of_values.at(token) + column] = found;
    }
}

/// The same of the state's last column, by which what was found is divided. A warp a head.
__device__ inline void causal_divide_block(const LinearAttentionArguments& all) {
    const int64_t row = block_x();
    const HeadRows of_keys(all, row, all.size), of_values(all, row, all.width);
    const float kept = kept_of(all, row);
    float* state = all.state + row * all.size * all.columns() + all.width;
    for (int64_t token = 0; token < all.tokens; ++token) {
        float sum = 0.0f;
        for (int d = lane(); d < all.size; d += kWarp) {
            float& value = state[d * all.columns()];
            value = kept * value + (all.plain_k ? all.plain_k[of_keys.at(token) + d] : 0.0f);
            if (all.plain_q) sum += all.plain_q[of_keys.at(token) + d] * value;
        }
        if (!all.plain_q) continue;
        const float divisor = all.eps + sum_over<kWarp>(sum);
        float* out = all.out + of_values.at(token);
        for (int column = lane(); column < all.width; column += kWarp) out[column] /= divisor;
    }
}

__device__ inline void follow_state_block(const FollowStateArguments& all) {
    const int64_t place = block_x() * kLinearThreads + thread_in_block();
    if (place >= all.all()) return;
    const float rate = all.decay ? all.decay[place / all.values % all.heads] : 0.0f;
    all.state[place] = natural_exp(-rate * all.length) * all.state[place] + all.part[place];
}

}  // namespace kine::kernels::cuda
