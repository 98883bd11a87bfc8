// A run as the planner of ranks sees it: the cost of the model's sites under the plan of reuse.
#pragma once

#include "broadcast/plan.h"
#include "dit/families/family.h"
#include "parallel/planner/planner.h"

namespace kine::dit {

/// `tokens` [B, T, S, C] are those of one forward pass on all ranks together.
parallel::Work rank_work(const Shape& tokens, const TransformerCost& cost, const broadcast::Plan& plan);

/// Of two guidance branches that ranks share out, the one that a sequence of ranks has.
parallel::Work one_branch(const parallel::Work& both);

/// The same for a resolved request of a model; with cfg_parallel, of one guidance branch.
parallel::Work rank_work(const Model& model, const Request& request, const broadcast::Plan& plan);

}  // namespace kine::dit
