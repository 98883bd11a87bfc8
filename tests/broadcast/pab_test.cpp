#include "broadcast/policies/pab.h"

#include "runtime/error.h"
#include "tests/broadcast/published.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace kine::broadcast {
namespace {

using Steps = std::vector<int>;

constexpr Site kSpatial{SiteKind::SpatialAttention, 0};
constexpr Site kTemporal{SiteKind::TemporalAttention, 0};
constexpr Site kCross{SiteKind::CrossAttention, 0};
constexpr Site kSpatialMlp{SiteKind::SpatialMlp, 4};
constexpr Site kTemporalMlp{SiteKind::TemporalMlp, 0};

TEST(Pab, ReusesThePublishedStepsOfOpenSora) {
    const PabOptions options = open_sora_pab();
    const Schedule schedule = open_sora_schedule();

    EXPECT_EQ(reused_steps(options, schedule, kSpatial), Steps({9, 11, 13, 15, 17, 19, 21, 23, 25}));
    EXPECT_EQ(reused_steps(options, schedule, kTemporal), Steps({9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 25}));
    EXPECT_EQ(reused_steps(options, schedule, kCross), Steps({9, 10, 11, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 25}));
    EXPECT_EQ(reused_steps(options, schedule, kSpatialMlp), Steps({14, 15, 18, 19, 22, 23}));
    EXPECT_EQ(reused_steps(options, schedule, kTemporalMlp), Steps({14, 15, 18, 19, 22, 23}));
}

TEST(Pab, NotesMlpKeysThatNoStepHas) {
    PabOptions options;
    options.mlp_spatial = {{720, {0}, 1}, {600, {0}, 1}};
    const auto policy = make_pab(options, {{719, 600, 500}});
    ASSERT_EQ(policy->notes().size(), 1U);
    EXPECT_EQ(policy->notes().front(), "mlp_spatial: no step has the timesteps 720, so nothing is reused there");
}

TEST(Pab, ReusesThePublishedStepsOfLatte) {
    const PabOptions options = latte_pab();
    const Schedule schedule = latte_schedule();
    Steps spatial;
    Steps temporal;
    Steps cross;
    for (int step = 10; step <= 43; ++step) {
        if (step % 2 != 0) spatial.push_back(step);
        if (step % 3 != 0) temporal.push_back(step);
        if (step % 6 != 0) cross.push_back(step);
    }

    EXPECT_EQ(spatial.size(), 17U);
    EXPECT_EQ(temporal.size(), 23U);
    EXPECT_EQ(cross.size(), 28U);
    EXPECT_EQ(reused_steps(options, schedule, kSpatial), spatial);
    EXPECT_EQ(reused_steps(options, schedule, kTemporal), temporal);
    EXPECT_EQ(reused_steps(options, schedule, kCross), cross);
    EXPECT_EQ(reused_steps(options, schedule, kSpatialMlp), Steps({14, 15, 18, 19, 22, 23, 26, 27, 30, 31}));
}

TEST(Pab, ReusesMlpsOfEveryBlockByARange) {
    PabOptions options;
    options.mlp = {3, 100, 800};
    const Schedule schedule = latte_schedule();
    Steps expected;
    for (int step = 10; step <= 43; ++step) {
        if (step % 3 != 0) expected.push_back(step);
    }

    EXPECT_EQ(reused_steps(options, schedule, kSpatialMlp), expected);
    EXPECT_EQ(reused_steps(options, schedule, {SiteKind::TemporalMlp, 31}), expected);
    EXPECT_EQ(reused_steps(PabOptions{}, schedule, kSpatialMlp), Steps());
}

TEST(Pab, ReusesThePublishedStepsOfCogVideoXInBothWindows) {
    Schedule schedule;
    for (int t = 999; t > 0; t -= 20) schedule.timesteps.push_back(t);
    PabOptions options;
    Steps odd;
    for (int step = 9; step <= 43; step += 2) odd.push_back(step);

    options.spatial = {2, 100, 850};
    EXPECT_EQ(reused_steps(options, schedule, kSpatial), odd);
    options.spatial = {2, 100, 800};
    EXPECT_EQ(reused_steps(options, schedule, kSpatial), Steps(odd.begin() + 1, odd.end()));
}

struct Preset {
    int height, width, frames, steps;
    Steps reuses;               // of spatial, temporal and cross attention
    std::vector<int64_t> keys;  // that the schedule holds
};

/// The 8 bit mantissa that the reference's timesteps are rounded to, to nearest even.
float rounded_to_bf16(double value) {
    const float number = static_cast<float>(value);
    uint32_t bits = 0;
    std::memcpy(&bits, &number, sizeof bits);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
    float rounded = 0;
    std::memcpy(&rounded, &bits, sizeof rounded);
    return rounded;
}

Schedule schedule_of(const Preset& preset) {
    const double area = std::sqrt(preset.height * preset.width / (512.0 * 512.0));
    const double ratio = area * std::sqrt(preset.frames / 17 * 5);
    Schedule schedule;
    for (int step = 0; step < preset.steps; ++step) {
        const double u = 1 - static_cast<double>(step) / preset.steps;
        const double t = rounded_to_bf16(1000 * ratio * u / (1 + (ratio - 1) * u));
        schedule.timesteps.push_back(std::trunc(t));
    }
    return schedule;
}

TEST(Pab, ReusesAsOftenAsPublishedInEveryOpenSoraPreset) {
    const Preset presets[] = {
        {480, 854, 51, 30, {9, 13, 14}, {676, 788, 864}},
        {480, 854, 102, 30, {8, 12, 13}, {676}},
        {480, 854, 204, 30, {8, 12, 13}, {864}},
        {480, 854, 408, 30, {6, 9, 11}, {}},
        {720, 1280, 51, 30, {8, 12, 13}, {864}},
        {720, 1280, 102, 30, {7, 11, 12}, {788}},
        {720, 1280, 204, 30, {6, 9, 11}, {}},
        {240, 426, 51, 30, {9, 14, 15}, {}},
        {360, 640, 51, 30, {9, 13, 15}, {676, 864}},
        {240, 426, 204, 30, {9, 13, 14}, {676, 788, 864}},
        {360, 640, 102, 30, {9, 13, 14}, {}},
        {240, 426, 102, 30, {9, 13, 15}, {}},
    };
    for (const Preset& preset : presets) {
        const Schedule schedule = schedule_of(preset);
        const auto count = [&](const Site& site) {
            return static_cast<int>(reused_steps(open_sora_pab(), schedule, site).size());
        };
        SCOPED_TRACE(testing::Message() << preset.height << "p, " << preset.frames << " frames");
        EXPECT_EQ(Steps({count(kSpatial), count(kTemporal), count(kCross)}), preset.reuses);
        EXPECT_EQ(count(kSpatialMlp), 2 * static_cast<int>(preset.keys.size()));
    }
}

TEST(Pab, CountsTheWiderRangesOfThePaper) {
    const Schedule schedule = open_sora_schedule();
    const auto counts = [&](const PabOptions& options) {
        return std::vector<size_t>{reused_steps(options, schedule, kSpatial).size(),
                                   reused_steps(options, schedule, kTemporal).size(),
                                   reused_steps(options, schedule, kCross).size()};
    };
    EXPECT_EQ(counts(open_sora_pab(3, 5, 7)), std::vector<size_t>({11, 13, 15}));
    EXPECT_EQ(counts(open_sora_pab(5, 7, 9)), std::vector<size_t>({13, 15, 15}));
}

TEST(Pab, ComputesAtTheWindowsOwnLimits) {
    PabOptions options;
    options.spatial = {2, 450, 930};
    const Schedule schedule{{931, 930, 930, 929, 451, 451, 450, 450}};
    EXPECT_EQ(reused_steps(options, schedule, kSpatial), Steps({3, 5}));
}

TEST(Pab, ComparesFractionsAsTheyAre) {
    PabOptions options;
    options.spatial = {2, 100, 800};
    EXPECT_EQ(reused_steps(options, {{900, 800.25, 700, 100.00002}}, kSpatial), Steps({3}));
}

TEST(Pab, ServesTheFirstStepInsideFromTheLastOneOutside) {
    const Schedule schedule = open_sora_schedule();
    const auto policy = make_pab(open_sora_pab(), schedule);
    EXPECT_EQ(policy->source(kSpatial, 9), 8);
    EXPECT_EQ(policy->source(kCross, 9), 8);
    EXPECT_EQ(policy->source(kCross, 17), 12);
    EXPECT_EQ(policy->source(kSpatial, 24), 24);
}

TEST(Pab, NeverReusesWithRangeOneOrAnEmptyWindow) {
    PabOptions options;
    options.spatial = {1, 0, 1000};
    options.temporal = {5, 500, 500};
    EXPECT_EQ(reused_steps(options, latte_schedule(), kSpatial), Steps{});
    EXPECT_EQ(reused_steps(options, latte_schedule(), kTemporal), Steps{});
}

TEST(Pab, DecidesAlikeForEveryBlockAndBranch) {
    const auto policy = make_pab(latte_pab(), latte_schedule());
    for (int step = 0; step < 50; ++step) {
        EXPECT_EQ(policy->source({SiteKind::SpatialAttention, 27, 1}, step), policy->source(kSpatial, step));
        EXPECT_EQ(policy->source({SiteKind::SpatialMlp, 4, 1}, step), policy->source(kSpatialMlp, step));
    }
}

TEST(Pab, RefusesStepsOutsideItsSchedule) {
    const auto policy = make_pab(latte_pab(), latte_schedule());
    EXPECT_THROW(policy->source(kSpatial, 50), Error);
    EXPECT_THROW(policy->source(kSpatial, -1), Error);
}

}  // namespace
}  // namespace kine::broadcast
