// How long ranks take to talk, and to share one attention whose keys or queries travel, in closed form. Everything that
// predicts times is made of these: the planner's prices, scaling tables and the tables that others published.
//
// In a ring each step computes with what has come while the next part is on its way; a step takes the longer of the
// two, and what launching and waiting costs. Where processors do the sending themselves (threads), it takes their sum.
#pragma once

#include "parallel/planner/cluster.h"

namespace kine::parallel {

/// Ranks that talk to one another: `ranks` of them, numbered `stride` apart.
struct Group {
    int ranks = 1;
    int stride = 1;

    int on_a_node(const Cluster& cluster) const;
};

/// `sent` is what the rank with the most to send sends in one call, in bytes.
double exchange_seconds(const Cluster& cluster, Group group, double sent);
double gather_seconds(const Cluster& cluster, Group group, double sent);
/// A part to the next rank, while all do the same.
double pass_seconds(const Cluster& cluster, Group group, double sent);

/// One attention of a ring, as its busiest rank sees it.
struct RingCost {
    double own_block = 0;  ///< seconds to attend to the rank's own part, less than `block` under a causal mask
    double block = 0;      ///< seconds to attend to another rank's part
    double merge = 0;      ///< seconds to merge one result into the sum
    double sent = 0;       ///< bytes that travel in a step: keys and values, or queries
    double returned = 0;   ///< bytes of results and log sums that go back, where queries travel
};

/// Keys and values go round one way.
double ring_seconds(const Cluster& cluster, Group ring, const RingCost& work);
/// Keys and values go both ways, half as far each.
double both_ways_ring_seconds(const Cluster& cluster, Group ring, const RingCost& work);
/// Queries go round, and results return straight to where the queries live while the next step computes; the last
/// return is exposed.
double token_ring_seconds(const Cluster& cluster, Group ring, const RingCost& work);
/// Rings of `window` neighbours, whose keys and values go to the next window while they go round in this one.
double double_ring_seconds(const Cluster& cluster, Group ring, int window, const RingCost& work);

/// The share of a rank's rate that `tiles` equal blocks of work reach, since the last of them run alone.
double wave_efficiency(const Cluster& cluster, double tiles);

}  // namespace kine::parallel
