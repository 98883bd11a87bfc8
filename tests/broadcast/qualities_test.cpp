#include "broadcast/policies/qualities.h"

#include "broadcast/plan.h"
#include "broadcast/policies/policies.h"
#include "tests/broadcast/published.h"

#include <gtest/gtest.h>

namespace kine::broadcast {
namespace {

double skipped_share(std::string_view quality, const Schedule& schedule) {
    const std::vector<SiteCost> sites = {{{SiteKind::SpatialAttention, 0}, 2.0, 1},
                                         {{SiteKind::TemporalAttention, 0}, 2.0, 1},
                                         {{SiteKind::CrossAttention, 0}, 1.0, 1},
                                         {{SiteKind::SpatialMlp, 0}, 4.0, 1}};
    const auto policy = make_policy(policy_for(quality, ""), at_quality(latte_pab(), quality), "", schedule);
    return Plan(*policy, schedule, sites).skipped_share();
}

TEST(Qualities, ReuseMoreFromRowToRowWhateverTheNumberOfSteps) {
    for (const int steps : {20, 30, 50, 100}) {
        Schedule schedule;
        for (int step = 0; step < steps; ++step) schedule.timesteps.push_back(999.0 - 1000.0 / steps * step);
        double before = -1;
        for (const QualityRow& row : qualities()) {
            const double share = skipped_share(row.name, schedule);
            EXPECT_GT(share, before) << row.name << " in " << steps << " steps";
            before = share;
        }
    }
}

TEST(Qualities, BeginWithOneThatReusesNothing) {
    EXPECT_EQ(qualities().front().name, "lossless");
    EXPECT_EQ(skipped_share("lossless", latte_schedule()), 0);
}

TEST(Qualities, ChooseThePolicyAndRefuseAnother) {
    EXPECT_EQ(policy_for("", "pab"), "pab");
    EXPECT_EQ(policy_for("", ""), "none");
    EXPECT_EQ(policy_for("fast", ""), "pab");
    EXPECT_EQ(policy_for("lossless", "off"), "none");
    EXPECT_THROW(policy_for("fast", "none"), Error);
    EXPECT_EQ(policy_for("fast", "pab"), "pab");
    EXPECT_THROW(policy_for("lossless", "pab"), Error);
}

TEST(Qualities, LeaveTheFamilysSettingsAloneWhereNoneIsNamed) { EXPECT_EQ(at_quality(latte_pab(), ""), latte_pab()); }

TEST(Qualities, ListTheKnownNamesForAnUnknownOne) {
    try {
        find_quality("best");
        FAIL() << "an unknown quality was found";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Usage);
        EXPECT_NE(std::string(error.what()).find("lossless, high, balanced, fast"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace kine::broadcast
