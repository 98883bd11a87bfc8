// What this machine can do, measured as a cluster that the planner takes: collectives between thread ranks at every
// group size, linear layers, attention, copies and merges.
#pragma once

#include "parallel/planner/cluster.h"
#include "runtime/context.h"

namespace kine::parallel {

struct CalibrationOptions {
    std::string name = "calibrated";
    int most_ranks = 8;                 ///< groups of 2, 4, ... up to it
    int64_t bytes = int64_t{16} << 20;  ///< that a rank has to send in a large call
    int repeats = 5;                    ///< of which the median counts
    int64_t rows = 2048;                ///< of the linear layer and of the attention, at most
};

/// Takes some seconds, all processors of `context`, and memory of its own for every rank.
Cluster calibrate(const Context& context, const CalibrationOptions& options = {});

}  // namespace kine::parallel
