#include "broadcast/policies/mlp_spans.h"

#include "runtime/error.h"

#include <gtest/gtest.h>

namespace kine::broadcast {
namespace {

using Steps = std::vector<int>;

Steps sources_of(const std::vector<MlpRule>& rules, const std::vector<double>& timesteps, int block = 0) {
    return mlp_sources("mlp_spatial", rules, {timesteps}).at(block);
}

std::string message_of(const std::vector<MlpRule>& rules, const std::vector<double>& timesteps) {
    try {
        mlp_sources("mlp_spatial", rules, {timesteps});
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Usage);
        return error.what();
    }
    return "";
}

TEST(MlpSpans, ReuseTheKeysOutputForTheNextSteps) {
    EXPECT_EQ(sources_of({{80, {0}, 2}}, {90, 80, 70, 60, 50}), Steps({0, 1, 1, 1, 4}));
}

TEST(MlpSpans, KnowOnlyTheListedBlocks) {
    const auto sources = mlp_sources("mlp_spatial", {{80, {1, 3}, 1}}, {{90, 80, 70}});
    EXPECT_EQ(sources.size(), 2U);
    EXPECT_TRUE(sources.contains(1) && sources.contains(3));
}

TEST(MlpSpans, IgnoreKeysThatTheScheduleLacks) {
    EXPECT_TRUE(mlp_sources("mlp_spatial", {{81, {0}, 9}}, {{90, 80, 70}}).empty());
    const std::vector<MlpRule> rules = {{81, {0}, 9}, {80, {0}, 1}, {60, {0}, 1}};
    EXPECT_EQ(absent_keys(rules, {{90, 80.5, 70}}), (std::vector<int64_t>{81, 60}));
}

TEST(MlpSpans, CutFractionsOff) { EXPECT_EQ(sources_of({{80, {0}, 1}}, {90.5, 80.75, 70.25}), Steps({0, 1, 1})); }

TEST(MlpSpans, LetTheFirstEntryDecideWhereTheyOverlap) {
    // At 70 the second key stores, yet 60 is still inside the first key's span and takes that older output.
    EXPECT_EQ(sources_of({{80, {0}, 2}, {70, {0}, 2}}, {80, 70, 60, 50, 40}), Steps({0, 1, 0, 1, 4}));
    // In the other order the younger key decides.
    EXPECT_EQ(sources_of({{70, {0}, 2}, {80, {0}, 2}}, {80, 70, 60, 50, 40}), Steps({0, 1, 1, 1, 4}));
}

TEST(MlpSpans, ComputeWhereTheFirstEntryDoesNotListTheBlock) {
    // 60 and 50 lie in both spans; the first one speaks for block 1 only, so block 0 computes there.
    const std::vector<MlpRule> rules = {{70, {1}, 2}, {80, {0}, 3}};
    EXPECT_EQ(sources_of(rules, {80, 70, 60, 50, 40}), Steps({0, 1, 2, 3, 4}));
    EXPECT_EQ(sources_of(rules, {80, 70, 60, 50, 40}, 1), Steps({0, 1, 1, 1, 4}));
}

TEST(MlpSpans, MayEndWithTheScheduleButNotPassIt) {
    EXPECT_EQ(sources_of({{80, {5}, 2}}, {90, 80, 70, 60}, 5), Steps({0, 1, 1, 1}));

    const std::string message = message_of({{80, {5}, 3}}, {90, 80, 70, 60});
    EXPECT_NE(message.find("key 80"), std::string::npos) << message;
    EXPECT_NE(message.find("block 5"), std::string::npos) << message;
}

TEST(MlpSpans, RefuseToReuseWhatIsAlreadyFreed) {
    // The span's last timestep comes twice: its first visit frees the output.
    const std::string message = message_of({{80, {0, 2}, 1}}, {90, 80, 70, 70});
    EXPECT_NE(message.find("key 80 of block 0"), std::string::npos) << message;
}

TEST(MlpSpans, StoreAgainWhereTheKeysTimestepIsRepeated) {
    EXPECT_EQ(sources_of({{80, {0}, 2}}, {80, 80, 70, 60}), Steps({0, 1, 1, 3}));
}

}  // namespace
}  // namespace kine::broadcast
