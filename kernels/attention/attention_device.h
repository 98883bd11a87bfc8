// attention.h on a GPU, from tensors to launches.
#pragma once

#include "kernels/attention/variants.h"
#include "kernels/rope/query_key.h"

namespace kine::kernels {

/// Of GPUs, fastest first. The first row that can run a problem runs it; tests walk all rows.
std::span<const AttentionVariant> device_attention_variants();

/// Whether the row that runs a problem can place its queries and keys, by these turns [B2 or 1, L or 1, D] or none.
bool can_place_on_the_way(const AttentionProblem& problem, const Tensor& turns);
void placed_attention_device(const Context& context, const AttentionProblem& problem, const HeadNorms& norms,
                             const Tensor& turns);

}  // namespace kine::kernels
