// rope.h on a GPU, from tensors to a launch.
#pragma once

#include "kernels/rope/query_key.h"
#include "kernels/rope/rope.h"

namespace kine::kernels {

/// Whether one pass over both can do it: a token's heads lie together, keys as queries do, and a head is not too wide.
bool can_place_heads(const Tensor& queries, const Tensor& keys);
void place_heads_device(const Context& context, Tensor& queries, Tensor& keys, const HeadNorms& norms,
                        const Tensor& turns);
void rotate_pairs_device(const Context& context, Tensor& heads, const Tensor& turns);

}  // namespace kine::kernels
