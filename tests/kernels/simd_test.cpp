// The functions of eight lanes that are written anew here.
#include "kernels/host/simd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace kine::kernels {
namespace {

/// In units of the last place of what is right.
double units_off(float got, double right) {
    const double unit = std::ldexp(1.0, std::ilogb(right) - 23);
    return std::abs(static_cast<double>(got) - right) / unit;
}

TEST(ExpOfNegative, IsWithinTwoUnitsOfTheLastPlace) {
    double worst = 0;
    for (int i = 0; i <= 870000; i += 8) {
        const float first = static_cast<float>(i) * -1e-4f;
        const Float8 x = first + Float8{0, -1e-5f, -2e-5f, -3e-5f, -4e-5f, -5e-5f, -6e-5f, -7e-5f};
        const Float8 got = exp_of_negative(x);
        for (int lane = 0; lane < kLanes; ++lane) {
            if (x[lane] < -87.0f) continue;
            worst = std::max(worst, units_off(got[lane], std::exp(static_cast<double>(x[lane]))));
        }
    }
    EXPECT_LT(worst, 2.0);
}

TEST(ExpOfNegative, IsOneAtZeroAndZeroFarBelow) {
    EXPECT_EQ(exp_of_negative(splat(0.0f))[0], 1.0f);
    for (const float x : {-87.1f, -1e4f, std::numeric_limits<float>::lowest(), -std::numeric_limits<float>::infinity()})
        EXPECT_EQ(exp_of_negative(splat(x))[0], 0.0f) << x;
}

TEST(ExpOfNegative, KeepsNotANumber) {
    EXPECT_TRUE(std::isnan(exp_of_negative(splat(std::numeric_limits<float>::quiet_NaN()))[0]));
}

}  // namespace
}  // namespace kine::kernels
