// The closed forms, held against ranks that are stepped through one by one, and against their own limits.
#include "parallel/planner/closed_forms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace kine::parallel {
namespace {

/// One node of 8 ranks, 1 GB/s to the next rank, nothing else costs anything.
Cluster plain_cluster(int ranks_per_node = 8) {
    const Link fast{{{2, 1e-9}}, {{2, 1e9}}}, slow{{{2, 1e-9}}, {{2, 0.25e9}}};
    Cluster cluster;
    cluster.ranks_per_node = ranks_per_node;
    cluster.node = {fast, fast, fast};
    cluster.network = {slow, slow, slow};
    return cluster;
}

RingCost work_of(double block, double sent) {
    return {.own_block = block, .block = block, .sent = sent, .returned = sent};
}

/// Every rank attends to its own part, then to what came; a part may be passed on once it is there, one at a time.
double stepped_ring(int ranks, double block, double pass) {
    std::vector<double> free_at(static_cast<size_t>(ranks), 0), here_at(free_at), link_free(free_at);
    for (int turn = 0; turn < ranks; ++turn) {
        std::vector<double> next(here_at);
        for (size_t rank = 0; rank < free_at.size(); ++rank) {
            const double begin = std::max(free_at[rank], here_at[rank]);
            const size_t to = (rank + 1) % free_at.size();
            link_free[rank] = next[to] = std::max(begin, link_free[rank]) + pass;
            free_at[rank] = begin + block;
        }
        here_at = next;
    }
    return *std::ranges::max_element(free_at);
}

TEST(ClosedForms, OfARingAreThoseOfRanksSteppedThroughOneByOne) {
    for (const int ranks : {1, 2, 3, 5, 8}) {
        for (const double block : {0.5, 1.0, 3.0}) {
            const double predicted = ring_seconds(plain_cluster(), {ranks, 1}, work_of(block, 1e9));
            EXPECT_NEAR(predicted, stepped_ring(ranks, block, 1.0), 1e-6) << ranks << " ranks, block " << block;
        }
    }
}

TEST(ClosedForms, OfARingTakeTheLongerOfComputingAndSending) {
    EXPECT_NEAR(ring_seconds(plain_cluster(), {4, 1}, work_of(2, 1e9)), 4 * 2, 1e-6);
    EXPECT_NEAR(ring_seconds(plain_cluster(), {4, 1}, work_of(0.1, 1e9)), 3 * 1 + 0.1, 1e-6);
    Cluster threads = plain_cluster();
    threads.shares_compute = true;
    EXPECT_NEAR(ring_seconds(threads, {4, 1}, work_of(2, 1e9)), 4 * 2 + 3 * 1, 1e-6);
}

TEST(ClosedForms, ChargeEveryStepAndEveryMerge) {
    Cluster cluster = plain_cluster();
    cluster.ring_step_seconds = 0.5;
    RingCost work = work_of(2, 1e9);
    work.merge = 0.25;
    EXPECT_NEAR(ring_seconds(cluster, {4, 1}, work), 4 * 2 + 3 * (0.5 + 0.25), 1e-6);
}

TEST(ClosedForms, SendHalfAsFarWhereKeysGoBothWays) {
    for (const int ranks : {3, 5, 7}) {
        const double one_way = ring_seconds(plain_cluster(), {ranks, 1}, work_of(0, 1e9));
        EXPECT_NEAR(both_ways_ring_seconds(plain_cluster(), {ranks, 1}, work_of(0, 1e9)), one_way / 2, 1e-6) << ranks;
    }
    // Eight: three whole exchanges, then half of the part opposite from either side.
    EXPECT_NEAR(both_ways_ring_seconds(plain_cluster(), {8, 1}, work_of(0, 1e9)), 3.5, 1e-6);
    // Where computing hides everything, the ways are the same.
    for (const int ranks : {2, 3, 4, 8})
        EXPECT_NEAR(both_ways_ring_seconds(plain_cluster(), {ranks, 1}, work_of(9, 1e9)), 9.0 * ranks, 1e-6) << ranks;
}

TEST(ClosedForms, LeaveTheLastReturnOfATokenRingExposed) {
    for (const int ranks : {2, 3, 4, 8})
        EXPECT_NEAR(token_ring_seconds(plain_cluster(), {ranks, 1}, work_of(9, 1e9)), 9.0 * ranks + 1, 1e-6) << ranks;
    Cluster slowed = plain_cluster();
    slowed.duplex_slowdown = 1.5;  // two steps one way, one both ways, one back, the tail
    EXPECT_NEAR(token_ring_seconds(slowed, {4, 1}, work_of(0, 1e9)), 2 + 1.5 + 1 + 1, 1e-6);
}

TEST(ClosedForms, HideTheSlowLinkOfADoubleRingBehindAWholeInnerTurn) {
    const Cluster cluster = plain_cluster(4);  // between nodes a part takes 4 s
    const Group ring{8, 1};
    EXPECT_NEAR(ring_seconds(cluster, ring, work_of(1, 1e9)), 7 * 4 + 1, 1e-6);
    EXPECT_NEAR(double_ring_seconds(cluster, ring, 4, work_of(1, 1e9)), 4 + 4, 1e-6);
    EXPECT_NEAR(double_ring_seconds(cluster, ring, 4, work_of(0.5, 1e9)), 4 + 3.5, 1e-6);
    EXPECT_NEAR(double_ring_seconds(plain_cluster(8), ring, 4, work_of(0.5, 1e9)), 4 + 3.5, 1e-6) << "one node";
    EXPECT_NEAR(double_ring_seconds(cluster, {4, 1}, 4, work_of(1, 1e9)),
                ring_seconds(cluster, {4, 1}, work_of(1, 1e9)), 1e-6);
}

TEST(ClosedForms, OfADoubleRingInGroupsOfOneOrOfAllAreThoseOfARing) {
    Cluster cluster = plain_cluster();
    cluster.ring_step_seconds = 0.1;
    cluster.interference = 1.1;
    const double ring = ring_seconds(cluster, {4, 1}, work_of(2, 1e9));
    EXPECT_DOUBLE_EQ(double_ring_seconds(cluster, {4, 1}, 1, work_of(2, 1e9)), ring);
    EXPECT_DOUBLE_EQ(double_ring_seconds(cluster, {4, 1}, 4, work_of(2, 1e9)), ring);
}

TEST(ClosedForms, SplitAnExchangeBetweenTheNodeAndTheNetwork) {
    const Cluster cluster = plain_cluster(4);
    EXPECT_NEAR(exchange_seconds(cluster, {4, 1}, 3e9), 3.0, 1e-6);
    // 7 GB for 7 others: 3 within the node take 3 s, 4 beyond it 16 s, at the same time.
    EXPECT_NEAR(exchange_seconds(cluster, {8, 1}, 7e9), 16.0, 1e-6);
    // Neighbours that stand 4 apart have a node each.
    EXPECT_NEAR(exchange_seconds(cluster, {2, 4}, 1e9), 4.0, 1e-6);
    EXPECT_EQ(exchange_seconds(cluster, {1, 1}, 1e9), 0);
}

TEST(ClosedForms, ChargeLatencyByGroupSizeAndByHop) {
    const Link link{{{2, 1e-5}, {8, 1e-3}}, {{2, 1e9}}, 1e-6};
    EXPECT_DOUBLE_EQ(link.latency(2), 1e-5);
    EXPECT_DOUBLE_EQ(link.latency(4), 1e-5 + 2e-6);
    EXPECT_DOUBLE_EQ(link.latency(9), 1e-3 + 7e-6);
}

TEST(ClosedForms, LeaveProcessorsIdleBehindTheLastTiles) {
    Cluster cluster = plain_cluster();
    EXPECT_EQ(wave_efficiency(cluster, 7), 1);
    cluster.tiles_at_once = 100;
    EXPECT_DOUBLE_EQ(wave_efficiency(cluster, 100), 1);
    EXPECT_DOUBLE_EQ(wave_efficiency(cluster, 101), 101.0 / 200);
    EXPECT_DOUBLE_EQ(wave_efficiency(cluster, 25), 0.25);
}

}  // namespace
}  // namespace kine::parallel
