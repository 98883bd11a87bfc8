#include "broadcast/policies/policies.h"

#include "tests/broadcast/published.h"

#include <gtest/gtest.h>

namespace kine::broadcast {
namespace {

TEST(Policies, AreFoundByNameAndSayWhatTheyDo) {
    for (const PolicyRow& row : policies()) {
        EXPECT_EQ(&find_policy(row.name), &row);
        EXPECT_FALSE(row.summary.empty());
        EXPECT_NE(make_policy(row.name, latte_pab(), "", latte_schedule()), nullptr);
    }
}

TEST(Policies, SourceStepsAreEarlierAndComputed) {
    for (const PolicyRow& row : policies()) {
        const auto policy = make_policy(row.name, latte_pab(), "", latte_schedule());
        for (const SiteKind kind : {SiteKind::SpatialAttention, SiteKind::TemporalMlp, SiteKind::CrossAttention}) {
            for (int step = 0; step < 50; ++step) {
                const int source = policy->source({kind, 3}, step);
                EXPECT_LE(source, step);
                EXPECT_EQ(policy->source({kind, 3}, source), source);
            }
        }
    }
}

TEST(Policies, OffIsAnotherNameOfNoneAndNeverReuses) {
    const auto policy = make_policy("off", latte_pab(), "", latte_schedule());
    for (int step = 0; step < 50; ++step) EXPECT_EQ(policy->source({SiteKind::CrossAttention, 0}, step), step);
    EXPECT_EQ(&find_policy("off"), &find_policy("none"));
}

TEST(Policies, NoneTakesNoOptions) {
    EXPECT_THROW(make_policy("none", latte_pab(), "spatial_range=2", latte_schedule()), Error);
}

TEST(Policies, ListTheKnownNamesForAnUnknownOne) {
    try {
        find_policy("pabb");
        FAIL() << "an unknown policy was found";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Usage);
        EXPECT_NE(std::string(error.what()).find("none, pab"), std::string::npos) << error.what();
    }
}

TEST(Policies, ApplyOptionsOnTopOfTheModelsDefaults) {
    const auto policy = make_policy("pab", latte_pab(), "spatial_range=3,keep=ungated", latte_schedule());
    EXPECT_EQ(policy->source({SiteKind::SpatialAttention, 0}, 11), 9);
    EXPECT_EQ(policy->source({SiteKind::TemporalAttention, 0}, 11), 9);
    EXPECT_EQ(policy->keep(), Keep::Ungated);
}

}  // namespace
}  // namespace kine::broadcast
