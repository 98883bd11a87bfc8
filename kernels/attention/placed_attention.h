// Attention whose kernel norms and turns queries and keys on their way in, so that they cross the memory of a GPU once.
#pragma once

#include "kernels/rope/query_key.h"

namespace kine::kernels {

/// attention_into (attention.h) of what place_heads makes of q and k, which stay as they were. False, and nothing done,
/// where no kernel can: on the host, or where the fastest row of the GPU's table takes them as they are. q, k, v, out
/// [B1, B2, L, H, D]; `turns` f32 [B2 or 1, L or 1, D] with the last axis contiguous, or empty.
bool placed_attention_into(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v, Tensor& out,
                           const HeadNorms& norms, const Tensor& turns);

}  // namespace kine::kernels
