// Linear attention over tokens that ranks share out: a state of fixed size travels, whatever the length.
#pragma once

#include "kernels/attention/linear_attention.h"
#include "parallel/communicator.h"

#include <vector>

namespace kine::parallel {

/// This rank's part of one linear attention, and how many tokens every rank has, in their order.
struct SplitLinearAttention {
    kernels::LinearAttention part;
    std::vector<int64_t> lengths;
};

/// Every query with all ranks' keys: the ranks' states are summed (LASP-2 without a mask, Sun et al., arXiv
/// 2502.07563), 2 (N - 1) / N of a state from each. Without a decay. The same sums, to the bit, on every rank.
Tensor linear_attention_of_all(const Context& context, Communicator& ranks, const SplitLinearAttention& attention);

/// Every query with the keys before it. LASP-2: every rank gathers the others' states, (N - 1) states from each, and
/// adds up those before its own.
Tensor causal_by_gather(const Context& context, Communicator& ranks, const SplitLinearAttention& attention);

/// The same. LASP (Sun et al., arXiv 2404.02882): each rank passes what it has seen to the next, N - 1 hops one after
/// the other, one state from each but the last.
Tensor causal_by_ring(const Context& context, Communicator& ranks, const SplitLinearAttention& attention);

}  // namespace kine::parallel
