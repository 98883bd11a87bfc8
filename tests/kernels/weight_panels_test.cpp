// A weight in panels gives back what it was made of, in twelve bits a value or in sixteen.
#include "kernels/linear/weight_panels.h"

#include "runtime/device/host/processor.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <cmath>

namespace kine::kernels {
namespace {

using Short = WeightPanels::Short;

BFloat16 of_bits(uint16_t bits) {
    BFloat16 value;
    value.bits = bits;
    return value;
}

/// Every exponent there is, among values that have a few.
Tensor with_odd_values(const Context& context) {
    Tensor weight = random_tensor(context, {90, 500}, DType::BFloat16, 3);
    auto* const values = weight.data<BFloat16>();
    for (int64_t exponent = 0; exponent < 256; ++exponent)
        values[exponent * 173] = of_bits(static_cast<uint16_t>(exponent << 7 | (exponent % 2) << 15 | 0x15));
    return weight;
}

/// Uniform over all bits, so that no sixteen exponents are common.
Tensor with_all_exponents(const Context& context) {
    Tensor weight = Tensor::empty(context, {64, 256}, DType::BFloat16);
    auto* const values = weight.data<BFloat16>();
    for (int64_t i = 0; i < weight.elements(); ++i) values[i] = of_bits(static_cast<uint16_t>(i * 40503));
    return weight;
}

TEST(WeightPanels, InTwelveBitsLoseNothing) {
    TestContext test;
    for (const Shape& shape : {Shape{1, 1}, Shape{31, 33}, Shape{64, 32}, Shape{100, 72}, Shape{33, 2400}}) {
        const Tensor weight = random_tensor(test.context, shape, DType::BFloat16, 1);
        const WeightPanels panels(test.context, weight, Short::Always);
        EXPECT_TRUE(panels.is_short()) << to_string(shape);
        EXPECT_TRUE(same_bits(panels.unpacked(test.context), weight)) << to_string(shape);
    }
}

TEST(WeightPanels, KeepOddValuesBesideTheOthers) {
    TestContext test(3);
    const Tensor weight = with_odd_values(test.context);
    const WeightPanels panels(test.context, weight, Short::Always);
    ASSERT_TRUE(panels.is_short());
    EXPECT_TRUE(same_bits(panels.unpacked(test.context), weight));
}

TEST(WeightPanels, AreWholeWhereExponentsAreTooMany) {
    TestContext test;
    const Tensor weight = with_all_exponents(test.context);
    const WeightPanels panels(test.context, weight, Short::Always);
    EXPECT_FALSE(panels.is_short());
    EXPECT_TRUE(same_bits(panels.unpacked(test.context), weight));
}

TEST(WeightPanels, OfALargeWeightTakeThreeQuarters) {
    TestContext test;
    const Tensor small = random_tensor(test.context, {256, 1024}, DType::BFloat16, 1);
    const Tensor large = random_tensor(test.context, {1024, 1024}, DType::BFloat16, 1);
    EXPECT_FALSE(WeightPanels(test.context, small).is_short());
    const WeightPanels panels(test.context, large);
    ASSERT_TRUE(panels.is_short());
    EXPECT_LT(static_cast<double>(panels.bytes()), 0.755 * static_cast<double>(large.bytes()));
}

TEST(ShortValues, ExpandAlikeWithAndWithoutWideInstructions) {
    TestContext test;
    const Tensor values = random_tensor(test.context, {4, kShortRun}, DType::BFloat16, 5);
    const auto* const from = values.data<BFloat16>();
    const ExponentNames names = name_exponents({from, static_cast<size_t>(values.elements())});
    std::vector<uint8_t> bytes(4 * kShortRunBytes);
    int64_t odd = 0;
    shorten(from, values.elements(), names, bytes.data(), [&](int64_t) { ++odd; });
    EXPECT_EQ(odd, 0);
    Tensor expanded = Tensor::empty(test.context, values.shape(), DType::BFloat16);
    expand_plain(bytes.data(), values.elements(), names, expanded.data<BFloat16>());
    EXPECT_TRUE(same_bits(expanded, values));
    if (!uses_avx512()) GTEST_SKIP() << "this processor has no avx512";
    Tensor wide = Tensor::empty(test.context, values.shape(), DType::BFloat16);
    expand_wide(bytes.data(), values.elements(), names, wide.data<BFloat16>());
    EXPECT_TRUE(same_bits(wide, values));
}

}  // namespace
}  // namespace kine::kernels
