// What every strategy of sharing a run between ranks would cost, for people and for programs.
#pragma once

#include "apps/embed/reports.h"
#include "parallel/planner/planner.h"

namespace kine::embed {

/// "all" prices every strategy and then goes by the fastest, as "auto" does.
dit::Request with_choice(dit::Request request);
/// Adds `strategies` and the choice to a report of a run with `ranks` ranks of one sequence.
void add_strategies(PlanReport& report, const parallel::Work& work, const dit::Request& request);
/// The plan of a published model without its weights.
PlanReport geometry_report(const std::string& name, const RunRequest& request);

}  // namespace kine::embed
