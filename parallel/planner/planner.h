// What each way to share a run would cost, and which to take: the same closed forms for the choice, for `kinescope
// plan`, for scaling tables and for the tests that hold them against counted bytes.
#pragma once

#include "parallel/planner/cluster.h"
#include "parallel/planner/methods.h"
#include "parallel/planner/volume.h"

#include <string>
#include <vector>

namespace kine::parallel {

struct Price {
    std::string name;
    std::string summary;
    int branches = 1;          ///< 2: each guidance branch has half of the ranks
    int group = 0;             ///< ranks of a group, where the strategy knows groups
    bool fits = true;          ///< into the memory of a rank, where that is known
    int64_t bytes_total = 0;   ///< sent by all ranks, as the counters will say
    double bytes_formula = 0;  ///< per rank, by the papers' convention
    double compute_seconds = 0;
    double time_seconds = 0;  ///< computing, and what is sent and does not hide behind it
    int64_t memory_bytes_per_rank = 0;
};

/// Counting bytes takes a look at every rank: a simulation of a thousand of them does without, but for what it chose.
enum class Detail { Times, TimesAndBytes };

/// Without bytes.
Price price_of(const Method& method, const Work& work, const Cluster& cluster, int ranks);
/// Adds them; `ranks` are those of all branches.
void count_bytes(Price& price, const Work& all_branches, int ranks);
/// Every strategy, in the order of the table; those that know groups with every size of group, the default one first.
std::vector<Price> price_all(const Work& work, const Cluster& cluster, const Sequence& sequence,
                             Detail detail = Detail::TimesAndBytes);
/// Whether guidance branches share ranks, have ranks of their own, or whatever is better.
enum class Guidance { Together, Apart, Either };
/// Every way for `all` ranks to share `work`, which is that of all guidance branches. Branches that cannot part (one
/// branch, or an odd number of ranks) stay together.
std::vector<Price> price_options(const Work& work, const Cluster& cluster, const Sequence& all, Guidance guidance,
                                 Detail detail = Detail::TimesAndBytes);
/// Whether `a` is the better choice: available rather than not, then fitting rather than not, then faster.
bool is_better(const Price& a, const Price& b);
/// The best; of equals the first.
const Price& cheapest(std::span<const Price> prices);

}  // namespace kine::parallel
