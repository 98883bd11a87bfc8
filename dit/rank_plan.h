// A run as the planner of ranks sees it: the cost of the model's sites under the plan of reuse.
#pragma once

#include "broadcast/plan.h"
#include "dit/families/family.h"
#include "parallel/planner/planner.h"

namespace kine::dit {

/// `tokens` [B, T, S, C] are those of one forward pass on all ranks together.
parallel::Work rank_work(const Shape& tokens, const TransformerCost& cost, const broadcast::Plan& plan);

/// The same for a resolved request of a model; with cfg_parallel, of one guidance branch.
parallel::Work rank_work(const Model& model, const Request& request, const broadcast::Plan& plan);

/// Every way for its ranks to share a request, priced; `all_branches` is the work of all guidance branches.
std::vector<parallel::Price> rank_options(const Request& request, const parallel::Work& all_branches);
/// Settles what a request leaves to the planner: the strategy, and whether guidance branches get ranks of their own.
void choose_ranks(Request& request, const parallel::Work& all_branches);

}  // namespace kine::dit
