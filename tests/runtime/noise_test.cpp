#include "runtime/rng/noise.h"

#include "runtime/io/safetensors.h"
#include "tests/runtime/errors.h"
#include "tests/support/expect_close.h"
#include "tests/support/source_tree.h"
#include "tests/support/test_context.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <random>

namespace kine {
namespace {

using Words = std::array<uint32_t, 4>;

TEST(Philox, GivesThePublishedVectors) {
    // The known answers that come with Random123.
    EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    constexpr uint32_t kOnes = 0xffffffff;
    EXPECT_EQ(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
              (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

/// Element `i` of draw `n`, from the description in noise.h.
double slow_philox(uint64_t seed, uint64_t n, uint64_t i) {
    const uint64_t block = i / 4;
    const auto low = [](uint64_t value) { return static_cast<uint32_t>(value); };
    const auto high = [](uint64_t value) { return static_cast<uint32_t>(value >> 32); };
    const Words words = philox4x32({low(block), high(block), low(n), high(n)}, {low(seed), high(seed)});
    const size_t pair = i % 4 / 2 * 2;
    const double radius = std::sqrt(-2 * std::log((words[pair] + 0.5) / 0x1p32));
    const double angle = 2 * std::numbers::pi * (words[pair + 1] + 0.5) / 0x1p32;
    return radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

TEST(Philox, DrawsEveryElementFromItsIndexAlone) {
    TestContext test;
    const uint64_t seed = 0x123456789abcdef0u;
    const auto noise = make_noise(NoiseKind::Philox, seed);
    noise->normal(test.context, {5, 7});
    const std::vector<double> second = to_doubles(noise->normal(test.context, {2, 3, 17}));
    for (size_t i = 0; i < second.size(); ++i) {
        ASSERT_EQ(second[i], static_cast<double>(static_cast<float>(slow_philox(seed, 1, i)))) << i;
    }
}

TEST(Philox, NumbersItsDrawsWhateverTheShapes) {
    TestContext test;
    const auto one = make_noise(NoiseKind::Philox, 1);
    const auto other = make_noise(NoiseKind::Philox, 1);
    one->normal(test.context, {1000});
    other->normal(test.context, {3});
    EXPECT_TRUE(same_bits(one->normal(test.context, {64}), other->normal(test.context, {64})));
}

TEST(Philox, ExtendsAShorterDraw) {
    TestContext test;
    const Tensor longer = make_noise(NoiseKind::Philox, 9)->normal(test.context, {1003});
    const Tensor shorter = make_noise(NoiseKind::Philox, 9)->normal(test.context, {402});
    EXPECT_TRUE(same_bits(longer.slice(0, 0, 402), shorter));
}

TEST(Philox, DiffersBetweenSeedsAndDraws) {
    TestContext test;
    const auto noise = make_noise(NoiseKind::Philox, 1);
    const Tensor first = noise->normal(test.context, {64});
    EXPECT_FALSE(same_bits(first, noise->normal(test.context, {64})));
    EXPECT_FALSE(same_bits(first, make_noise(NoiseKind::Philox, 2)->normal(test.context, {64})));
    EXPECT_FALSE(same_bits(first, make_noise(NoiseKind::Philox, 1 + (uint64_t{1} << 32))->normal(test.context, {64})));
}

class EveryNoise : public ::testing::TestWithParam<NoiseKind> {};

TEST_P(EveryNoise, HasTheSameBitsForAnyNumberOfThreads) {
    TestContext alone(1);
    for (const int threads : {2, 3}) {
        TestContext several(threads);
        for (const Shape& shape : {Shape{70'001}, Shape{16}, Shape{15}}) {
            EXPECT_TRUE(same_bits(make_noise(GetParam(), 4)->normal(alone.context, shape),
                                  make_noise(GetParam(), 4)->normal(several.context, shape)));
        }
    }
}

TEST_P(EveryNoise, IsNormal) {
    TestContext test;
    const std::vector<double> values = to_doubles(make_noise(GetParam(), 3)->normal(test.context, {200'000}));
    std::array<double, 5> moments = {};
    for (const double value : values) {
        for (int power = 1; power < 5; ++power) moments[static_cast<size_t>(power)] += std::pow(value, power);
    }
    for (double& moment : moments) moment /= static_cast<double>(values.size());
    // Five standard errors of each moment: sqrt(variance / n) with variances 1, 2, 15, 96.
    EXPECT_NEAR(moments[1], 0, 0.0112);
    EXPECT_NEAR(moments[2], 1, 0.0159);
    EXPECT_NEAR(moments[3], 0, 0.0434);
    EXPECT_NEAR(moments[4], 3, 0.1096);
}

TEST_P(EveryNoise, TakesEmptyAndScalarShapes) {
    TestContext test;
    const auto noise = make_noise(GetParam(), 3);
    EXPECT_EQ(noise->normal(test.context, {0}).elements(), 0);
    EXPECT_TRUE(std::isfinite(to_doubles(noise->normal(test.context, {})).at(0)));
}

INSTANTIATE_TEST_SUITE_P(Noise, EveryNoise, ::testing::Values(NoiseKind::Philox, NoiseKind::Torch));

TEST(Noise, IsFoundByName) {
    EXPECT_EQ(noise_from_name("philox"), NoiseKind::Philox);
    EXPECT_EQ(noise_from_name("torch"), NoiseKind::Torch);
    expect_error(ErrorCode::Usage, "unknown noise generator 'mt', known are philox, torch",
                 [] { noise_from_name("mt"); });
}

/// "seed_42/randn_2x3x5" is one draw, "seed_42/two_draws_1x4x3" two of [1, 4, 3] along the first axis.
uint64_t seed_of(const std::string& key) { return std::stoull(key.substr(5)); }

TEST(TorchNoise, DrawsWhatTorchDrew) {
    TestContext test;
    const auto file = SafetensorsFile::open(source_tree() / "tests/golden/rng/torch_cpu_randn.safetensors");
    ASSERT_EQ(file.entries().size(), 20u);
    for (const auto& [key, entry] : file.entries()) {
        SCOPED_TRACE(key);
        const auto noise = make_noise(NoiseKind::Torch, seed_of(key));
        const Tensor want = file.tensor(key);
        const bool is_pair = key.find("two_draws") != std::string::npos;
        const int64_t draws = is_pair ? 2 : 1;
        for (int64_t draw = 0; draw < draws; ++draw) {
            const Tensor expected = is_pair ? want.slice(0, draw, draw + 1) : want;
            EXPECT_TRUE(same_bits(noise->normal(test.context, expected.shape()), expected)) << "draw " << draw;
        }
    }
}

TEST(TorchNoise, KeepsTheSecondOfASmallPairForTheNextDraw) {
    TestContext test;
    const auto one = make_noise(NoiseKind::Torch, 11);
    const Tensor pair = make_noise(NoiseKind::Torch, 11)->normal(test.context, {2});
    EXPECT_TRUE(same_bits(one->normal(test.context, {1}), pair.slice(0, 0, 1)));
    EXPECT_TRUE(same_bits(one->normal(test.context, {1}), pair.slice(0, 1, 2)));
}

}  // namespace
}  // namespace kine
