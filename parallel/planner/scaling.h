// How a run would scale: the best way to share it for 1, 2, 4, ... ranks, what its time is made of, and where more
// ranks stop being worth it. The planner's own prices, so a simulation where no such machine is at hand.
#pragma once

#include "parallel/planner/planner.h"

#include <optional>

namespace kine::parallel {

/// What a time is made of, in seconds.
struct TimeParts {
    double even = 0;     ///< computing, had every rank the same part and were it always full
    double uneven = 0;   ///< more than that on the rank with the largest part
    double idle = 0;     ///< attention in blocks too few to fill a rank
    double sent = 0;     ///< transfers that do not hide behind computing
    double latency = 0;  ///< of messages and steps, whatever they carry
};

struct ScalingRow {
    int ranks = 1;
    Price best;  ///< of what can run
    TimeParts parts;
    double speedup = 1;
    double efficiency = 1;
    std::optional<Price> faster;  ///< what cannot run yet but would be faster by more than a hundredth
};

struct Scaling {
    std::vector<ScalingRow> rows;
    int ends_at = 1;  ///< twice as many ranks are not worth it
    std::string reason;
};

struct ScalingQuestion {
    int most_ranks = 1024;
    Guidance guidance = Guidance::Either;
    double worthwhile = 1.25;  ///< twice the ranks must be so many times as fast
};

/// `work` is that of all guidance branches.
Scaling scale(const Work& work, const Cluster& cluster, const ScalingQuestion& question);

}  // namespace kine::parallel
