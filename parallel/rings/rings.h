// Attention over an axis that stays split: keys and values come to the queries, or queries to the keys, and what was
// found is merged. The merge adds in another order than one rank does, so the result is equal up to float32 noise, not
// to the bit. While a part is attended to, the next is on its way.
#pragma once

#include "kernels/attention/merge.h"
#include "parallel/communicator.h"
#include "parallel/strategies/strategies.h"

#include <vector>

namespace kine::parallel {

/// This rank's part of one attention: q, k, v [B1, B2, L, H, D] with the attended axis third.
struct SplitAttention {
    Tensor q, k, v;
    std::vector<int64_t> lengths;  ///< L of every rank of the ring
};

/// The ranks that hold the parts. In a double ring, those of this rank's group and those at its place in the others.
struct Ring {
    Communicator& ranks;
    Communicator* group = nullptr;
    Communicator* peers = nullptr;
};

/// What this rank's queries find among all keys, [B1, B2, L, H, D] f32, by the way that `keys` names.
kernels::PartialAttention ring_attention(const Context& context, const Ring& ring, Keys keys,
                                         const SplitAttention& attention);

/// RingAttention (Liu et al., arXiv 2310.01889): keys and values go from rank to rank in one direction, N - 1 times, so
/// that each sends 2 (N - 1) of its own part's size.
kernels::PartialAttention one_way_ring(const Context& context, const Ring& ring, const SplitAttention& attention);

/// The same parts in N / 2 exchanges, half of the bytes in each direction; where N is even, the rank opposite is seen
/// from both sides and sends half of its part along each.
kernels::PartialAttention both_ways_ring(const Context& context, const Ring& ring, const SplitAttention& attention);

/// Double ring (LoongTrain, Gu et al., arXiv 2406.18485): a one-way ring in the group, as often as there are groups,
/// while the next group's parts come.
kernels::PartialAttention double_ring(const Context& context, const Ring& ring, const SplitAttention& attention);

/// TokenRing (Wang et al., arXiv 2412.20501): queries go from rank to rank, N - 1 times, and what they found at a rank
/// returns to their own at the next exchange.
kernels::PartialAttention token_ring(const Context& context, const Ring& ring, const SplitAttention& attention);

/// What the queries [B1, B2, L, H, D], the same on all ranks, find among the keys of all of them: merged in rank order,
/// so that every rank has the same bits.
kernels::PartialAttention attention_of_all(const Context& context, Communicator& ranks, const Tensor& queries,
                                           const SplitAttention& attention);

}  // namespace kine::parallel
