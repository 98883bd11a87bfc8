// Where cache, ranks and arithmetic meet. A block says where it is, hands over its tokens and a closure with the pure
// arithmetic; the order of the three concerns is decided here, once:
//
//   cache.through(site, step,            outermost: a reuse costs no work and no traffic at all
//       reshard(resident -> needed)      then: make the attended axis whole on this rank
//           attend(x)                    innermost: knows neither
//       reshard(needed -> resident))     so the cache keeps the resident, sharded form
//
// The gate is taken apart from the arithmetic, since published models differ in what they keep: the gated output with
// the gate of the step that computed it (VideoSys), or the bare output with a fresh gate (diffusers). The policy says
// which.
#pragma once

#include "dit/modules/step_context.h"

#include <functional>

namespace kine::dit {

/// What a site adds to the residual stream: `value`, times `gate` [B, C] where there is still one.
struct Contribution {
    Tensor value;  // [B, T, S, C]
    Tensor gate;
};

using Attend = std::function<Tensor(const Tensor& x)>;

/// Throws ErrorCode::Interrupted when the run was cancelled.
Contribution at_site(const StepContext& step, const broadcast::Site& site, const Tensor& x, const Attend& attend,
                     const Tensor& gate = {});

/// A site's output: computed, or kept by an earlier step. What other residual forms are made of.
Tensor through_cache(const StepContext& step, const broadcast::Site& site, const std::function<Tensor()>& compute);

/// x + gate * attend(x), in place where `x` was handed over: the line that blocks are made of.
Tensor residual_at(const StepContext& step, const broadcast::Site& site, Tensor x, const Attend& attend,
                   const Tensor& gate = {});

}  // namespace kine::dit
