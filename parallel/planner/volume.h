// How many bytes a strategy moves, in the closed form: what the counters of a run will say, and what papers print.
#pragma once

#include "parallel/planner/ring_volume.h"
#include "parallel/planner/work.h"
#include "parallel/strategies/strategies.h"

namespace kine::parallel {

/// What reshard() makes rank `rank` of `ranks` send to others, in elements.
int64_t elements_sent(const Shape& whole, Layout from, Layout to, int rank, int ranks);

/// By one rank, in a run.
Sent bytes_sent(const Work& work, const Strategy& strategy, int rank, const Sequence& sequence);
/// By all ranks together; what they count.
int64_t bytes_of_all(const Work& work, const Strategy& strategy, const Sequence& sequence);

/// The papers' convention: per rank, M / N for every change of layout of a tensor of M bytes, M for a gather; without
/// the share that stays, without remainders, and without the gather at the end of a step. A ring counts as a gather.
double bytes_by_formula(const Work& work, const Strategy& strategy, const Sequence& sequence);

}  // namespace kine::parallel
