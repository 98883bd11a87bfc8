// Where cache, ranks and arithmetic meet. A block says where it is, hands over its tokens and a closure with the pure
// arithmetic; the order of the concerns is decided here, once:
//
//   cache.through(site, step,            outermost: a reuse costs no work and no traffic at all
//       norm(x)                          where there is one: token by token, and adds what the last site gave
//       switch(resident -> needed)       then: make the attended axis whole on this rank
//           attend(x)                    innermost: knows none of them, nor how many of the branches it has
//       switch(needed -> resident))      so the cache keeps the resident, sharded form
//
// The gate is taken apart from the arithmetic, since published models differ in what they keep: the gated output with
// the gate of the step that computed it (VideoSys), or the bare output with a fresh gate (diffusers). The policy says
// which.
#pragma once

#include "dit/modules/residual.h"
#include "dit/modules/step_context.h"

#include <functional>

namespace kine::dit {

/// May be called once for each branch of the batch.
using Attend = std::function<Tensor(const Tensor& x)>;

/// A site's output: computed, or kept by an earlier step. What other residual forms are made of. Throws
/// ErrorCode::Interrupted when the run was cancelled.
Tensor through_cache(const StepContext& step, const broadcast::Site& site, const std::function<Tensor()>& compute);

/// x + gate * attend(norm(x)): the line that blocks are made of.
Residual residual_at(const StepContext& step, const broadcast::Site& site, Residual x, const kernels::RowNorm& norm,
                     const Attend& attend, const Tensor& gate = {});
/// x + attend(x).
Residual residual_at(const StepContext& step, const broadcast::Site& site, Residual x, const Attend& attend);

}  // namespace kine::dit
