// Attention over an axis that stays split: queries stay, keys and values travel, results are merged. The merge adds in
// another order than one rank does, so the result is equal up to float32 noise, not to the bit.
#pragma once

#include "parallel/communicator.h"
#include "parallel/layout.h"

namespace kine::parallel {

/// This rank's part of one attention: q, k, v [B1, B2, L, H, D] with the attended axis third.
struct SplitAttention {
    Tensor q, k, v;
    int64_t whole = 0;  ///< length of the attended axis over all ranks, cut by partition()
};

/// RingAttention (Liu et al., arXiv 2310.01889): keys and values go from rank to rank in one direction, N - 1 times, so
/// that each sends 2 (N - 1) of its own part's size. Returns [B1, B2, L, H, D] of q's dtype.
Tensor ring_attention(const Context& context, Communicator& communicator, const SplitAttention& attention);

}  // namespace kine::parallel
