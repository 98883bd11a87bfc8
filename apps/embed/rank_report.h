// What every strategy of sharing a run between ranks would cost, for people and for programs.
#pragma once

#include "apps/embed/reports.h"
#include "parallel/planner/planner.h"

namespace kine::embed {

/// "all" prices every strategy and then goes by the fastest, as "auto" does.
dit::Request with_choice(dit::Request request);
/// Adds `strategies` and the choice to a report; `all_branches` is the work of all guidance branches. Of `groups` of
/// ranks, each makes videos of its own: `request` is what one of them runs.
void add_strategies(PlanReport& report, const parallel::Work& all_branches, const dit::Request& request,
                    int64_t groups);

}  // namespace kine::embed
