#include "broadcast/cache.h"

#include "tests/broadcast/published.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <random>

namespace kine::broadcast {
namespace {

constexpr Site kSpatial{SiteKind::SpatialAttention, 0};

Schedule six_steps() { return {{700, 600, 500, 400, 300, 200}}; }

Plan one_site_plan(int64_t bytes = 16) {
    PabOptions options;
    options.spatial = {3, 100, 800};
    return Plan(*make_pab(options, six_steps()), six_steps(), {{kSpatial, 1, bytes}});
}

/// A tensor of four bytes an element that holds `value`.
Tensor filled(const TestContext& test, int64_t bytes, float value) {
    const std::vector<float> values(static_cast<size_t>(bytes / 4), value);
    return Tensor::of<float>(test.context, {bytes / 4}, values);
}

TEST(Cache, HandsBackTheOutputOfTheSourceStep) {
    const TestContext test(1);
    const Plan plan = one_site_plan();
    Cache cache(plan);
    std::vector<float> seen;
    for (int step = 0; step < 6; ++step) {
        const auto compute = [&] { return filled(test, 16, static_cast<float>(step)); };
        const Tensor output = cache.through(kSpatial, step, compute);
        seen.push_back(*output.data<float>());
    }
    EXPECT_EQ(seen, std::vector<float>({0, 0, 0, 3, 3, 3}));
    EXPECT_EQ(cache.reused().at(kSpatial), std::vector<int>({1, 2, 4, 5}));
}

TEST(Cache, ComputesNothingWhereItReuses) {
    const TestContext test(1);
    const Plan plan = one_site_plan();
    Cache cache(plan);
    int computed = 0;
    for (int step = 0; step < 6; ++step) {
        cache.through(kSpatial, step, [&] { return ++computed, filled(test, 16, 0); });
    }
    EXPECT_EQ(computed, 2);
}

TEST(Cache, SharesWhatItKeepsSoThatNobodyWritesIntoIt) {
    const TestContext test(1);
    const Plan plan = one_site_plan();
    Cache cache(plan);
    const auto compute = [&] { return filled(test, 16, 1); };
    EXPECT_FALSE(cache.through(kSpatial, 0, compute).is_unique());
    EXPECT_FALSE(cache.through(kSpatial, 1, compute).is_unique());
    EXPECT_TRUE(cache.through(kSpatial, 2, compute).is_unique()) << "the last use owns it";
}

TEST(Cache, KeepsNothingThatNobodyWillAskFor) {
    const TestContext test(1);
    const Plan plan = one_site_plan();
    Cache cache(plan);
    const Site unplanned{SiteKind::TemporalAttention, 0};
    EXPECT_TRUE(cache.through(unplanned, 0, [&] { return filled(test, 16, 1); }).is_unique());
    EXPECT_EQ(cache.bytes(), 0);
}

TEST(Cache, FreesAfterTheLastUse) {
    const TestContext test(1);
    const Plan plan = one_site_plan();
    Cache cache(plan);
    const auto compute = [&] { return filled(test, 16, 1); };
    cache.through(kSpatial, 0, compute);
    cache.through(kSpatial, 1, compute);
    EXPECT_EQ(cache.bytes(), 16);
    cache.through(kSpatial, 2, compute);
    EXPECT_EQ(cache.bytes(), 0);
    EXPECT_EQ(cache.peak_bytes(), 16);
}

TEST(Cache, NamesSiteAndStepWhenAskedForWhatItNeverKept) {
    const Plan plan = one_site_plan();
    Cache cache(plan);
    try {
        cache.through(kSpatial, 4, [] { return Tensor(); });
        FAIL() << "reused what was never computed";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Bug);
        EXPECT_NE(std::string(error.what()).find("step 4 of spatial.0"), std::string::npos) << error.what();
    }
}

TEST(Cache, RefusesAStepThatIsComputedTwice) {
    const TestContext test(1);
    const Plan plan = one_site_plan();
    Cache cache(plan);
    const auto compute = [&] { return filled(test, 16, 1); };
    cache.through(kSpatial, 0, compute);
    EXPECT_THROW(cache.through(kSpatial, 0, compute), Error);
}

TEST(Cache, KeepsNothingOfAComputationThatThrows) {
    const TestContext test(1);
    const Plan plan = one_site_plan();
    Cache cache(plan);
    EXPECT_THROW(cache.through(kSpatial, 0, []() -> Tensor { throw std::runtime_error("no"); }), std::runtime_error);
    EXPECT_EQ(cache.bytes(), 0);
    EXPECT_NO_THROW(cache.through(kSpatial, 0, [&] { return filled(test, 16, 1); }));
}

/// Any source that is a computed step: more than PAB can ask for, overlapping spans included.
class RandomPolicy final : public Policy {
  public:
    RandomPolicy(uint32_t seed, const std::vector<SiteCost>& sites, int steps) {
        std::mt19937 random(seed);
        for (const SiteCost& cost : sites) {
            std::vector<int> computed;
            for (int step = 0; step < steps; ++step) {
                const bool reuses = !computed.empty() && random() % 3 != 0;
                if (!reuses) computed.push_back(step);
                sources_[cost.site].push_back(reuses ? computed[random() % computed.size()] : step);
            }
        }
    }

    int source(const Site& site, int step) const override { return sources_.at(site)[static_cast<size_t>(step)]; }
    Keep keep() const override { return Keep::Ungated; }

  private:
    std::map<Site, std::vector<int>> sources_;
};

std::vector<SiteCost> random_sites(uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<SiteCost> sites;
    for (int block = 0; block < 6; ++block) {
        const auto kind = static_cast<SiteKind>(random() % 5);
        const int branch = static_cast<int>(random() % 2);
        const int64_t bytes = 4 * static_cast<int64_t>(1 + random() % 64);
        sites.push_back({{kind, block, branch}, static_cast<double>(1 + random() % 9), bytes});
    }
    return sites;
}

/// Runs the plan with tensors that carry their step, and expects each reuse to bring its source.
int64_t simulated_peak(const TestContext& test, const Plan& plan) {
    Cache cache(plan);
    for (int step = 0; step < plan.steps(); ++step) {
        for (const SiteCost& cost : plan.sites()) {
            const Tensor output =
                cache.through(cost.site, step, [&] { return filled(test, cost.bytes, static_cast<float>(step)); });
            EXPECT_EQ(*output.data<float>(), static_cast<float>(plan.source(cost.site, step)));
        }
    }
    EXPECT_EQ(cache.bytes(), 0);
    return cache.peak_bytes();
}

TEST(Cache, HoldsExactlyWhatThePlanSaidWhateverThePolicy) {
    const TestContext test(1);
    const Schedule schedule{std::vector<double>(17, 0)};
    for (uint32_t seed = 0; seed < 200; ++seed) {
        const std::vector<SiteCost> sites = random_sites(seed);
        const RandomPolicy policy(seed, sites, 17);
        const Plan plan(policy, schedule, sites);
        EXPECT_EQ(simulated_peak(test, plan), plan.peak_bytes());

        const int64_t budget = 1 + plan.peak_bytes() * (seed % 4) / 4;
        const Plan fitted(policy, schedule, sites, 0, budget);
        EXPECT_EQ(simulated_peak(test, fitted), fitted.peak_bytes());
        EXPECT_LE(fitted.peak_bytes(), budget);
    }
}

TEST(Cache, AForkHoldsTheSameAndLeavesItsOriginAlone) {
    const TestContext test(1);
    const Plan plan = one_site_plan();
    Cache cache(plan);
    const Tensor kept = cache.through(kSpatial, 0, [&] { return filled(test, 16, 5); });
    const auto never = [&] { return ADD_FAILURE() << "reused", Tensor(); };
    Cache fork = cache.fork();
    EXPECT_EQ(fork.through(kSpatial, 1, never).data<float>(), kept.data<float>());
    EXPECT_EQ(fork.through(kSpatial, 2, never).data<float>(), kept.data<float>());
    EXPECT_EQ(fork.bytes(), 0);
    EXPECT_EQ(cache.bytes(), 16);
    EXPECT_TRUE(cache.reused().empty());
    EXPECT_EQ(cache.through(kSpatial, 1, never).data<float>(), kept.data<float>());
    cache = std::move(fork);
    EXPECT_EQ(cache.reused().at(kSpatial), std::vector<int>({1, 2}));
}

/// Keeps all outputs in one tensor.
class OnePlace final : public KeptPlaces {
  public:
    explicit OnePlace(Tensor place) : place_(std::move(place)) {}
    Tensor keep(const Site&, const Tensor& output) override {
        *place_.data<float>() = *output.data<float>();
        return place_;
    }

  private:
    Tensor place_;
};

TEST(Cache, KeepsOutputsWhereTheirPlaceIs) {
    const TestContext test(1);
    const Plan plan = one_site_plan();
    const Tensor place = filled(test, 16, 0);
    OnePlace places(place);
    Cache cache(plan, places);
    std::vector<float> seen;
    for (int step = 0; step < 6; ++step) {
        const Tensor output =
            cache.through(kSpatial, step, [&] { return filled(test, 16, static_cast<float>(step + 1)); });
        EXPECT_EQ(output.data<float>(), place.data<float>());
        seen.push_back(*output.data<float>());
    }
    EXPECT_EQ(seen, std::vector<float>({1, 1, 1, 4, 4, 4}));
}

}  // namespace
}  // namespace kine::broadcast
