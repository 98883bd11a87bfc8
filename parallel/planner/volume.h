// How many bytes a strategy moves, in the closed form: what the counters of a run will say, and what papers print.
#pragma once

#include "parallel/planner/work.h"
#include "parallel/strategies/strategies.h"

namespace kine::parallel {

/// What reshard() makes rank `rank` of `ranks` send to others, in elements.
int64_t elements_sent(const Shape& whole, Layout from, Layout to, int rank, int ranks);

/// What one rank sends in a run.
struct Sent {
    int64_t calls = 0;
    int64_t bytes = 0;
};

Sent bytes_sent(const Work& work, const Strategy& strategy, int rank, int ranks);
/// By all ranks together; what they count.
int64_t bytes_of_all(const Work& work, const Strategy& strategy, int ranks);

/// The papers' convention: per rank, M / N for every change of layout of a tensor of M bytes, M for a gather; without
/// the share that stays, without remainders, and without the gather at the end of a step.
double bytes_by_formula(const Work& work, const Strategy& strategy, int ranks);
/// Megatron-style sequence parallelism around temporal attention, by the same convention: M gathered and M scattered.
double megatron_bytes_by_formula(const Work& work);

}  // namespace kine::parallel
