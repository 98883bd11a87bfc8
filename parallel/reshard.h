// One function realises every change of layout: keep (nothing), split (a local slice), switch (one all-to-all) and
// gather (one all-gather): Dynamic Sequence Parallelism, Zhao et al., arXiv 2403.10266, section 3.
#pragma once

#include "parallel/communicator.h"
#include "parallel/layout.h"

namespace kine::parallel {

/// `x` is this rank's part, in layout `from`, of tokens whose whole shape is `whole` = [B, T, S, ...]; returns its part
/// in layout `to`. Without ranks, or from == to, the same handle.
Tensor reshard(const Context& context, Communicator& communicator, const Tensor& x, const Shape& whole, Layout from,
               Layout to);

}  // namespace kine::parallel
