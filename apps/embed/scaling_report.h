// How a run would scale, for people and for programs.
#pragma once

#include "apps/embed/reports.h"
#include "parallel/planner/work.h"

namespace kine::embed {

/// Adds `scaling` to a report: 1, 2, 4, ... `most_ranks` ranks of the request's cluster. `all_branches` is the work of
/// all guidance branches.
void add_scaling(PlanReport& report, const parallel::Work& all_branches, const dit::Request& request,
                 int64_t most_ranks);

}  // namespace kine::embed
