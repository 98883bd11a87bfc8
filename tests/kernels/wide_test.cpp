// The functions of sixteen lanes, where the processor has them.
#include "kernels/host/wide.h"
#include "runtime/device/host/processor.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace kine::kernels {
namespace {

using Lanes = std::array<float, kWideLanes>;

}  // namespace
}  // namespace kine::kernels

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {
namespace {

void exp2_lanes(const Lanes& x, Lanes& y) { store(y.data(), exp2_of(load_wide(x.data()))); }
void rough_exp2_lanes(const Lanes& x, Lanes& y) { store(y.data(), rough_exp2_of(load_wide(x.data()))); }
void gelu_lanes(const Lanes& x, Lanes& y) { store(y.data(), gelu_tanh(load_wide(x.data()))); }
void silu_lanes(const Lanes& x, Lanes& y) { store(y.data(), silu(load_wide(x.data()))); }
void round_lanes(const Lanes& x, BFloat16* y) { store(y, load_wide(x.data())); }
void copy_first(const Lanes& x, int64_t count, Lanes& y) {
    store(y.data(), load_wide(x.data(), first_lanes(count)), first_lanes(count));
}

}  // namespace
}  // namespace kine::kernels

#pragma GCC pop_options

namespace kine::kernels {
namespace {

class WideLanes : public testing::Test {
  protected:
    void SetUp() override {
        if (instruction_set() < InstructionSet::Avx512) GTEST_SKIP() << "this processor has no AVX-512";
    }
};

/// The largest relative error of `function` against `twin` at `count` places from `begin` on.
template <class Function, class Twin>
double worst_error(Function function, Twin twin, float begin, float step, int count) {
    double worst = 0;
    for (int i = 0; i < count; i += kWideLanes) {
        Lanes x, y;
        for (int lane = 0; lane < kWideLanes; ++lane)
            x[static_cast<size_t>(lane)] = begin + step * static_cast<float>(i + lane);
        function(x, y);
        for (size_t lane = 0; lane < x.size(); ++lane) {
            const double right = twin(static_cast<double>(x[lane]));
            if (right != 0.0) worst = std::max(worst, std::abs(static_cast<double>(y[lane]) / right - 1.0));
        }
    }
    return worst;
}

double sigmoid_twin(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double gelu_twin(double x) {
    return x * sigmoid_twin(2.0 * std::sqrt(2.0 / 3.14159265358979323846) * (x + 0.044715 * x * x * x));
}

TEST_F(WideLanes, PowersOfTwoAreRightToTwoUnitsAndToTheRoundingOfBFloat16) {
    const auto twin = [](double x) { return std::exp2(x); };
    EXPECT_LT(worst_error(exp2_lanes, twin, -125.0f, 1e-3f, 250000), 2.4e-7);
    EXPECT_LT(worst_error(rough_exp2_lanes, twin, -125.0f, 1e-3f, 125000), 4e-6);
}

TEST_F(WideLanes, PowersOfTwoEndWhereFloatsEnd) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    Lanes x = {}, y;
    x = {0.0f, 1.0f, -151.0f, -1e4f, -kInfinity, std::numeric_limits<float>::lowest(), -126.0f, 127.0f, -1.0f};
    exp2_lanes(x, y);
    const Lanes expected = {1.0f, 2.0f, 0.0f, 0.0f, 0.0f, 0.0f, std::exp2(-126.0f), std::exp2(127.0f), 0.5f, 1.0f,
                            1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f};
    EXPECT_EQ(y, expected);
    x.fill(std::numeric_limits<float>::quiet_NaN());
    exp2_lanes(x, y);
    EXPECT_TRUE(std::isnan(y[0]));
}

TEST_F(WideLanes, ActivationsAreRightToSomeUnits) {
    EXPECT_LT(worst_error(
                  silu_lanes, [](double x) { return x * sigmoid_twin(x); }, -30.0f, 1e-3f, 60000),
              5e-6);
    EXPECT_LT(worst_error(gelu_lanes, gelu_twin, -4.0f, 1e-3f, 40000), 5e-6);
}

TEST_F(WideLanes, ActivationsOfLargeValuesAreTheirLimits) {
    Lanes x, y;
    x.fill(-1e37f);
    silu_lanes(x, y);
    EXPECT_EQ(y[0], 0.0f);
    x.fill(1e30f);
    silu_lanes(x, y);
    EXPECT_EQ(y[0], 1e30f);
}

TEST_F(WideLanes, RoundAsOneValueDoes) {
    const Lanes x = {1.0f,
                     1.00390625f,
                     1.01171875f,
                     -3.14159f,
                     1e-40f,
                     3.4e38f,
                     0.0f,
                     -0.0f,
                     65504.0f,
                     1e30f,
                     -1e-30f,
                     0.1f,
                     2.5f,
                     7e-45f,
                     std::numeric_limits<float>::infinity(),
                     std::numeric_limits<float>::quiet_NaN()};
    std::array<BFloat16, kWideLanes> y;
    round_lanes(x, y.data());
    for (size_t lane = 0; lane < x.size(); ++lane) {
        const BFloat16 one(x[lane]);
        EXPECT_EQ(std::memcmp(&y[lane], &one, sizeof one), 0) << x[lane];
    }
}

TEST_F(WideLanes, OfATailTouchNothingBeyond) {
    Lanes x, y;
    x.fill(2.0f);
    for (int64_t count = 0; count <= kWideLanes; ++count) {
        y.fill(1.0f);
        copy_first(x, count, y);
        for (int64_t lane = 0; lane < kWideLanes; ++lane)
            EXPECT_EQ(y[static_cast<size_t>(lane)], lane < count ? 2.0f : 1.0f);
    }
}

}  // namespace
}  // namespace kine::kernels
