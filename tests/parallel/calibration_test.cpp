#include "parallel/planner/calibration.h"

#include "parallel/planner/planner.h"
#include "runtime/error.h"
#include "runtime/io/json.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

namespace kine::parallel {
namespace {

CalibrationOptions quick() {
    return {.name = "here", .most_ranks = 4, .bytes = int64_t{1} << 18, .repeats = 2, .rows = 64};
}

TEST(Calibration, GivesAClusterThatCanBeWrittenAndReadAgain) {
    TestContext bundle;
    const Cluster measured = calibrate(bundle.context, quick());
    const Cluster read = cluster_from_json(to_json(measured), "calibration");
    EXPECT_EQ(to_json(read), to_json(measured));
    EXPECT_EQ(read.name, "here");
    EXPECT_TRUE(read.shares_compute);
    EXPECT_GT(read.linear_flops, 0);
    EXPECT_GT(read.memory_bandwidth, 0);
    for (const Link& link : {read.node.all_to_all, read.node.all_gather, read.node.ring}) {
        ASSERT_EQ(link.beta.size(), 2u);
        EXPECT_EQ(link.beta[0].first, 2);
        EXPECT_EQ(link.beta[1].first, 4);
        EXPECT_EQ(link.alpha.size(), 2u);
    }
}

TEST(Calibration, PricesARun) {
    TestContext bundle;
    const Cluster measured = calibrate(bundle.context, quick());
    const Work work{.tokens = {2, 5, 77, 12},
                    .heads = 3,
                    .steps = 2,
                    .output_channels = 8,
                    .spatial = {4, 1e9, 1e9},
                    .temporal = {4, 1e9, 1e8},
                    .other_macs = 3e9};
    for (const Price& price : price_all(work, measured, 4)) {
        EXPECT_GT(price.time_seconds, 0) << price.name;
        EXPECT_GE(price.time_seconds, price.compute_seconds) << price.name;
    }
}

TEST(Calibration, RefusesSizesThatMeasureNothing) {
    TestContext bundle;
    CalibrationOptions options = quick();
    options.most_ranks = 1;
    EXPECT_THROW(calibrate(bundle.context, options), Error);
}

}  // namespace
}  // namespace kine::parallel
