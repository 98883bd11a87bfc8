#include "parallel/planner/scaling.h"

#include <gtest/gtest.h>

namespace kine::parallel {
namespace {

/// 30 frames of 3,600 patches of both guidance branches, as a model of 28 pairs has them in 10 steps.
Work factored_work() {
    Work work{.tokens = {2, 30, 3600, 1152}, .heads = 16, .element_bytes = 2, .steps = 10, .output_channels = 32};
    work.spatial = {280, 3.2e14, 1.4e15};
    work.temporal = {280, 3.2e14, 1.2e13};
    work.other_macs = 1.6e15;
    return work;
}

Work joint_work() {
    Work work{.tokens = {1, 33, 3600, 3072}, .heads = 24, .element_bytes = 2, .steps = 50, .output_channels = 64};
    work.joint = {3000, 4.0e16, 2.6e17};
    return work;
}

TEST(Scaling, GoesThroughThePowersOfTwo) {
    const Scaling scaling = scale(factored_work(), find_cluster("h100-nvlink"), {.most_ranks = 1024});
    ASSERT_EQ(scaling.rows.size(), 11u);
    EXPECT_EQ(scaling.rows.back().ranks, 1024);
    EXPECT_DOUBLE_EQ(scaling.rows[0].speedup, 1);
    EXPECT_DOUBLE_EQ(scaling.rows[0].efficiency, 1);
}

TEST(Scaling, SplitsATimeIntoPartsThatAddUpToIt) {
    for (const Work& work : {factored_work(), joint_work()}) {
        for (const char* cluster : {"h100-nvlink", "l20-pcie", "a100-nvlink"}) {
            for (const ScalingRow& row : scale(work, find_cluster(cluster), {.most_ranks = 256}).rows) {
                const TimeParts& parts = row.parts;
                EXPECT_NEAR(parts.even + parts.uneven + parts.idle + parts.sent + parts.latency, row.best.time_seconds,
                            1e-6 * row.best.time_seconds)
                    << cluster << ", " << row.ranks;
                EXPECT_GE(parts.sent, -1e-9);
                EXPECT_GE(parts.latency, -1e-9);
                EXPECT_LE(row.efficiency, 1 + 1e-9);
            }
        }
    }
}

TEST(Scaling, ChoosesWhatThePlannerChooses) {
    const Cluster cluster = find_cluster("h100-nvlink");
    for (const ScalingRow& row : scale(factored_work(), cluster, {.most_ranks = 64}).rows) {
        const auto options = price_options(factored_work(), cluster, row.ranks, Guidance::Either);
        EXPECT_EQ(row.best.name, cheapest(options).name);
        EXPECT_EQ(row.best.branches, cheapest(options).branches);
        const double fastest = row.faster ? row.faster->time_seconds : row.best.time_seconds;
        EXPECT_LE(fastest, row.best.time_seconds);
    }
}

TEST(Scaling, EndsWhereTokensRunOut) {
    Cluster cluster = find_cluster("h100-nvlink");
    const Link instant{{{2, 1e-12}}, {{2, 1e18}}};  // so that nothing but tokens is short
    cluster.node = cluster.network = {instant, instant, instant};
    cluster.ring_step_seconds = 0;
    cluster.tiles_at_once = 0;
    Work work = factored_work();
    work.tokens = {2, 5, 40, 1152};
    const Scaling scaling = scale(work, cluster, {.most_ranks = 1024, .guidance = Guidance::Together});
    EXPECT_GE(scaling.ends_at, 8);
    EXPECT_LE(scaling.ends_at, 64);
    EXPECT_NE(scaling.reason.find("run out"), std::string::npos) << scaling.reason;
}

TEST(Scaling, EndsWhereMessagesTakeLongerThanComputing) {
    Cluster cluster = find_cluster("l20-pcie");
    const Scaling slow = scale(factored_work(), cluster, {.most_ranks = 256});
    EXPECT_NE(slow.reason.find("communication"), std::string::npos) << slow.reason;
    const Scaling fast = scale(factored_work(), find_cluster("h100-nvlink"), {.most_ranks = 256});
    EXPECT_LT(slow.rows[3].efficiency, fast.rows[3].efficiency);
    Link distant = cluster.node.all_to_all;
    distant.alpha = {{2, 10.0}};
    cluster.node = cluster.network = {distant, distant, distant};
    const Scaling far = scale(factored_work(), cluster, {.most_ranks = 256, .guidance = Guidance::Together});
    EXPECT_NE(far.reason.find("latency"), std::string::npos) << far.reason;
    EXPECT_EQ(far.ends_at, 1);
}

TEST(Scaling, SaysThatThreadsOfOneMachineBringNothingAlong) {
    const Scaling scaling = scale(factored_work(), find_cluster("cpu"), {.most_ranks = 8});
    EXPECT_EQ(scaling.ends_at, 1);
    EXPECT_NE(scaling.reason.find("one machine"), std::string::npos) << scaling.reason;
}

TEST(Scaling, CostsNothingForWhatIsReused) {
    Work reused = factored_work();
    reused.spatial = {140, 1.6e14, 0.7e15};
    const Cluster cluster = find_cluster("h100-nvlink");
    const double all = scale(factored_work(), cluster, {.most_ranks = 8}).rows.back().best.time_seconds;
    const double some = scale(reused, cluster, {.most_ranks = 8}).rows.back().best.time_seconds;
    EXPECT_LT(some, all);
}

}  // namespace
}  // namespace kine::parallel
