// Which weights are where, by numbers alone.
#include "dit/estimate.h"

#include <gtest/gtest.h>

namespace kine::dit {
namespace {

/// Encode and denoise have layers that can wait, 3 of 10 bytes at once on the device; decode has none.
Estimate estimate() {
    Estimate all;
    all.stages[0] = {.weight_bytes = 120, .working_bytes = 10, .layers = {100, 15}};
    all.stages[1] = {.weight_bytes = 200, .working_bytes = 60, .layers = {180, 30}};
    all.stages[3] = {.weight_bytes = 20, .working_bytes = 70};
    all.weight_bytes = 340;
    return all;
}

Estimate placed(Residency residency, int64_t budget, int64_t runs = 1) {
    Estimate all = estimate();
    place_weights(all, residency, budget, runs);
    return all;
}

TEST(PlaceWeights, KeepsAllWhereTheyFit) {
    for (const int64_t budget : {0, 410}) {
        const Estimate all = placed(Residency::Auto, budget);
        EXPECT_FALSE(all.is_staged);
        EXPECT_EQ(all.offloaded_bytes(), 0);
        EXPECT_EQ(all.peak_bytes, 410);
    }
}

TEST(PlaceWeights, LetsStagesTakeTurnsBeforeLayersWait) {
    const Estimate staged = placed(Residency::Auto, 409);
    EXPECT_TRUE(staged.is_staged);
    EXPECT_EQ(staged.offloaded_bytes(), 0);
    EXPECT_EQ(staged.peak_bytes, 260);
    EXPECT_EQ(placed(Residency::Auto, 260).offloaded_bytes(), 0);
}

TEST(PlaceWeights, SendsAwayWhatTheBudgetAsksForAndNoMore) {
    const Estimate some = placed(Residency::Auto, 240);
    EXPECT_EQ(some.of(Stage::Encode).offloaded_bytes, 0) << "fits as it is";
    EXPECT_EQ(some.of(Stage::Denoise).offloaded_bytes, 20 + 30) << "what is over, and room for what comes back";
    EXPECT_EQ(some.of(Stage::Denoise).resident_bytes(), 180);
    EXPECT_NEAR(some.of(Stage::Denoise).resident_share(), 130.0 / 180, 1e-9);
    EXPECT_EQ(some.peak_bytes, 240);
    const Estimate least = placed(Residency::Auto, 50);
    EXPECT_EQ(least.of(Stage::Encode).offloaded_bytes, 80 + 15);
    EXPECT_EQ(least.of(Stage::Denoise).offloaded_bytes, 180);
    EXPECT_EQ(least.peak_bytes, 20 + 30 + 60) << "over the budget, which whoever asks will say";
}

TEST(PlaceWeights, DoesAsItIsTold) {
    EXPECT_FALSE(placed(Residency::All, 100).is_staged);
    EXPECT_EQ(placed(Residency::All, 100).peak_bytes, 410);
    EXPECT_EQ(placed(Residency::Stage, 100).offloaded_bytes(), 0);
    EXPECT_EQ(placed(Residency::Stage, 0).peak_bytes, 260);
    const Estimate layers = placed(Residency::Layer, 0);
    EXPECT_TRUE(layers.is_staged);
    EXPECT_EQ(layers.of(Stage::Encode).resident_share(), 0);
    EXPECT_EQ(layers.peak_bytes, 110);
}

TEST(PlaceWeights, KeptOutputsWaitWhereLayersWaitingIsNotEnough) {
    const auto with_cache = [](int64_t budget, Residency residency) {
        Estimate all = estimate();
        all.cache_bytes = 50;  // of the 60 that denoising works with
        all.cache_window_bytes = 8;
        place_weights(all, residency, budget, 1);
        return all;
    };
    EXPECT_EQ(with_cache(120, Residency::Auto).cache_offloaded_bytes, 0);
    const Estimate some = with_cache(90, Residency::Auto);
    EXPECT_EQ(some.cache_offloaded_bytes, 20 + 8) << "what is over, and room for what comes and goes";
    EXPECT_NEAR(some.cache_host_share(), 28.0 / 50, 1e-9);
    EXPECT_EQ(some.peak_bytes, 90);
    EXPECT_EQ(with_cache(30, Residency::Layer).cache_offloaded_bytes, 50);
    EXPECT_EQ(with_cache(30, Residency::Stage).cache_offloaded_bytes, 0);
    EXPECT_EQ(with_cache(0, Residency::Layer).cache_offloaded_bytes, 0) << "no budget asks for it";
}

TEST(PlaceWeights, RunsAtOnceShareWeightsThatStay) {
    const Estimate both = placed(Residency::Auto, 100, 2);
    EXPECT_FALSE(both.is_staged);
    EXPECT_EQ(both.peak_bytes, 340 + 2 * 70);
}

}  // namespace
}  // namespace kine::dit
