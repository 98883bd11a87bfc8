// What happens to queries and keys before they meet: a norm of every head and rotary embedding. On a GPU one pass over
// both, on the host the ops that it is made of.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <string_view>

namespace kine::kernels {

/// A norm over the channels of each head, f32 [D] or empty; with biases it is a LayerNorm, else RMS.
struct HeadNorms {
    Tensor query_weight, key_weight;
    Tensor query_bias, key_bias;
    float eps = 1e-6f;
};

/// ErrorCode::Bug, in the name of `op`, unless they are norms of heads of `size` channels, and of both sides alike.
void check_head_norms(std::string_view op, const HeadNorms& norms, int64_t size);

/// Norms and turns queries and keys [B, T, S, H, D], in place, where weights or `turns` (as rotate_pairs takes them)
/// are not empty. Both are f32, bf16 or f16 with the same strides, the last axis contiguous: views of packed
/// projections.
void place_heads(const Context& context, Tensor& queries, Tensor& keys, const HeadNorms& norms, const Tensor& turns);

}  // namespace kine::kernels
