// The way in and out of the layout in which tokens live: a family makes tokens whole, hands them over here, and never
// asks which of them stay on this rank.
#pragma once

#include "dit/modules/step_context.h"

namespace kine::dit {

/// This rank's part of tokens [B, T, S, any] that every rank has made whole.
Tensor to_resident(const StepContext& step, const Tensor& whole);
/// Whole tokens from every rank's part [B, T, S, any].
Tensor to_whole(const StepContext& step, const Tensor& resident);
/// The rows of `table` (its first axis is `axis` of the whole tokens) that this rank's tokens need.
Tensor resident_rows(const StepContext& step, const Tensor& table, parallel::Split axis);
/// This rank's part of a table [T, S, any] that every rank has whole; contiguous.
Tensor resident_grid(const StepContext& step, const Tensor& table);
/// The same for the tokens that this rank projects for attention over all tokens: all of them where ranks share out
/// weights, else its own.
Tensor projected_grid(const StepContext& step, const Tensor& table);
/// This rank's part of the sum over ranks of `part`, each of whole tokens [B, T, S, any].
Tensor sum_to_resident(const StepContext& step, const Tensor& part);

}  // namespace kine::dit
