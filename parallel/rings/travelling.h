// What goes round in a ring: keys and values side by side, so that they travel as one.
#pragma once

#include "kernels/attention/merge.h"
#include "parallel/communicator.h"

namespace kine::parallel {

/// k and v [B1, B2, L, H, D] -> [2, B1, B2, L, H, D], contiguous.
Tensor side_by_side(const Context& context, const Tensor& k, const Tensor& v);

/// The shape of another rank's [2, B1, B2, L, H, D].
Shape with_length(const Shape& block, int64_t length);

/// What q finds among the keys of a block.
kernels::PartialAttention attend_block(const Context& context, const Tensor& q, const Tensor& block);

/// One round of a one-way ring: every rank of `ranks` brings a block, of lengths[rank] each; all are merged into `sum`.
void merge_round(const Context& context, Communicator& ranks, std::span<const int64_t> lengths, Tensor block,
                 const Tensor& q, kernels::PartialAttention& sum);

}  // namespace kine::parallel
