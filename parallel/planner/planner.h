// What each strategy would cost a run, and which to take: the same closed forms for the choice, for `kinescope plan`
// and for the tests that hold them against counted bytes.
#pragma once

#include "parallel/planner/cluster.h"
#include "parallel/planner/volume.h"

namespace kine::parallel {

struct Price {
    std::string_view name;
    std::string_view summary;
    bool is_available = true;  ///< false: this model cannot run it, it is priced for comparison
    int64_t bytes_total = 0;   ///< sent by all ranks, as the counters will say
    double bytes_formula = 0;  ///< per rank, by the papers' convention
    double compute_seconds = 0;
    double time_seconds = 0;
    int64_t memory_bytes_per_rank = 0;
};

/// Every strategy, in the order of the table.
std::vector<Price> price_all(const Work& work, const Cluster& cluster, int ranks);
/// The fastest that is available; of equals the first.
const Price& cheapest(std::span<const Price> prices);

}  // namespace kine::parallel
