// Rotary position embedding (Su et al. 2021, arXiv 2104.09864): a pair of channels turned by an angle that grows with
// the position, so that products of queries and keys see distances only.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

/// Turns neighbours (2k, 2k + 1) of the last axis of `heads` [B, T, S, H, D] in place: (a cos - b sin, b cos + a sin).
/// `turns` f32 [T or 1, S or 1, D] contiguous holds cos and sin of pair k at 2k and 2k + 1; an axis of size 1 is
/// shared. `heads` is f32, bf16 or f16 with any strides and the last axis contiguous, uniquely owned or a view of a
/// tensor that is.
void rotate_pairs(const Context& context, Tensor& heads, const Tensor& turns);

}  // namespace kine::kernels
