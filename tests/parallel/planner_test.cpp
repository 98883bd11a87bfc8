#include "parallel/planner/planner.h"
#include "runtime/io/json.h"

#include "runtime/error.h"

#include <gtest/gtest.h>

namespace kine::parallel {
namespace {

Work small_work() {
    return {.tokens = {2, 5, 77, 12},
            .heads = 3,
            .element_bytes = 4,
            .steps = 2,
            .output_channels = 8,
            .spatial = {4, 1e9, 1e9},
            .temporal = {4, 1e9, 1e8},
            .other_macs = 3e9,
            .weight_bytes = 1000,
            .activation_bytes = 600,
            .cache_bytes = 60};
}

TEST(Clusters, AreAllReadable) {
    const std::vector<Cluster> presets = cluster_presets();
    EXPECT_GE(presets.size(), 5u);
    for (const Cluster& cluster : presets) {
        EXPECT_FALSE(cluster.summary.empty()) << cluster.name;
        EXPECT_EQ(find_cluster(cluster.name).name, cluster.name);
    }
    EXPECT_THROW(find_cluster("abacus"), Error);
}

TEST(Clusters, RefuseWhatIsNoPositiveRate) {
    const Json link = {{"alpha_s", 1e-6}, {"beta_bytes_per_s", {{"2", 1e9}}}};
    Json json = {{"ranks_per_node", 8},
                 {"linear_flops", 1e12},
                 {"attention_flops", 1e12},
                 {"node", {{"all_to_all", link}, {"all_gather", link}}}};
    EXPECT_EQ(cluster_from_json(json, "test").ranks_per_node, 8);
    json["linear_flops"] = 0;
    EXPECT_THROW(cluster_from_json(json, "test"), Error);
    json["linear_flops"] = 1e12;
    json["node"].erase("all_gather");
    EXPECT_THROW(cluster_from_json(json, "test"), Error);
}

TEST(Clusters, GoByTheLargestMeasuredGroupThatIsNoLarger) {
    const Link link{{{2, 1e-5}}, {{2, 8e9}, {4, 4e9}, {8, 1e9}}};
    EXPECT_EQ(link.bytes_per_second(1), 8e9);
    EXPECT_EQ(link.bytes_per_second(3), 8e9);
    EXPECT_EQ(link.bytes_per_second(7), 4e9);
    EXPECT_EQ(link.bytes_per_second(64), 1e9);
    EXPECT_DOUBLE_EQ(link.seconds(4e9, 4), 1.0 + 1e-5);
}

TEST(Planner, PricesEveryStrategyAndNothingOnOneRank) {
    const auto prices = price_all(small_work(), find_cluster("h100-nvlink"), 1);
    EXPECT_EQ(prices.size(), strategies().size());
    for (const Price& price : prices) {
        EXPECT_EQ(price.bytes_total, 0) << price.name;
        EXPECT_EQ(price.bytes_formula, 0) << price.name;
    }
    EXPECT_EQ(cheapest(prices).name, "none");
}

TEST(Planner, ChargesTheRankWithTheLargestPart) {
    Cluster cluster = find_cluster("h100-nvlink");
    cluster.tiles_at_once = 0;  // so little work would leave it idle
    const auto prices = price_all(small_work(), cluster, 4);
    const auto find = [&](std::string_view name) {
        for (const Price& price : prices) {
            if (price.name == name) return price;
        }
        return Price{};
    };
    // Two of five frames, a fifth part of 77 patches rounded up: 20.
    const double flops = cluster.linear_flops;
    const double attention = cluster.attention_flops;
    EXPECT_DOUBLE_EQ(find("dsp_frames").compute_seconds, 2 * (3e9 + 1e9) * 0.4 / flops + 2e9 * 0.4 / attention +
                                                             2e9 * 20 / 77 / flops + 2e8 * 20 / 77 / attention);
    EXPECT_EQ(find("dsp_frames").memory_bytes_per_rank, 1000 + 240 + 24);
    EXPECT_EQ(find("none").memory_bytes_per_rank, 1660);
    EXPECT_GT(find("ulysses_frames").bytes_total, find("dsp_frames").bytes_total);
}

TEST(Planner, CountsTheLargerOfDenoisingAndDecoding) {
    Work work = small_work();
    work.decode_bytes = 500;
    const Cluster cluster = find_cluster("h100-nvlink");
    EXPECT_EQ(price_all(work, cluster, 4).front().memory_bytes_per_rank, 1660) << "of denoising everything alone";
    work.decode_bytes = 5000;
    for (const Price& price : price_all(work, cluster, 4)) {
        const bool holds_little = price.name == "none" || price.name == "dsp_frames";
        EXPECT_TRUE(holds_little ? price.memory_bytes_per_rank == 6000 : price.memory_bytes_per_rank >= 6000)
            << price.name << " " << price.memory_bytes_per_rank;
    }
}

TEST(Planner, LetsThreadsOfOneMachineGainNothingByDoingEverythingTwice) {
    const auto prices = price_all(small_work(), find_cluster("cpu"), 2);
    EXPECT_DOUBLE_EQ(prices[0].compute_seconds, 2 * price_all(small_work(), find_cluster("cpu"), 1)[0].compute_seconds);
}

}  // namespace
}  // namespace kine::parallel
