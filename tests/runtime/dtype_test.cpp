#include "runtime/tensor/dtype.h"

#include "runtime/tensor/convert.h"
#include "tests/runtime/errors.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <immintrin.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace kine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Float16 half_of_bits(uint32_t bits) {
    Float16 half;
    half.bits = static_cast<uint16_t>(bits);
    return half;
}

/// From the definition: sign, 5 bits of exponent, 10 of fraction.
double slow_value(uint32_t bits) {
    const double sign = (bits & 0x8000u) != 0 ? -1.0 : 1.0;
    const int exponent = static_cast<int>((bits >> 10) & 0x1fu);
    const double fraction = bits & 0x3ffu;
    if (exponent == 31) return fraction == 0 ? sign * kInfinity : std::nan("");
    return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

TEST(DType, HasNamesThatAreFoundAgain) {
    for (const DType dtype : {DType::Float32, DType::BFloat16, DType::Float16, DType::Float8E4M3, DType::Float8E5M2,
                              DType::Int64, DType::Int32, DType::UInt8}) {
        EXPECT_EQ(dtype_from_name(name_of(dtype)), dtype);
    }
    EXPECT_EQ(size_of(DType::BFloat16), 2);
    EXPECT_EQ(size_of(DType::Int64), 8);
    expect_error(ErrorCode::Usage, "unknown dtype 'f64', known are f32", [] { dtype_from_name("f64"); });
}

TEST(Float16, MeansWhatTheFormatSaysForAllBitPatterns) {
    for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
        const float value = half_of_bits(bits);
        const double want = slow_value(bits);
        ASSERT_TRUE(std::isnan(want) ? std::isnan(value) : value == want) << bits;
        ASSERT_EQ(std::signbit(value), (bits & 0x8000u) != 0) << bits;
    }
}

/// From the definition: sign, `exponent` bits, `fraction` bits.
double slow_small_value(uint32_t bits, int exponent_bits, int fraction_bits) {
    const double sign = (bits & 0x80u) != 0 ? -1.0 : 1.0;
    const auto exponent = static_cast<int>((bits & 0x7fu) >> fraction_bits);
    const double fraction = std::ldexp(bits & ((1u << fraction_bits) - 1), -fraction_bits);
    const int bias = (1 << (exponent_bits - 1)) - 1;
    return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias));
}

TEST(Float8, MeansWhatTheFormatsSayForAllBitPatterns) {
    for (uint32_t bits = 0; bits < 0x100u; ++bits) {
        const float fine = Float8E4M3{static_cast<uint8_t>(bits)}, coarse = Float8E5M2{static_cast<uint8_t>(bits)};
        const bool is_nan = (bits & 0x7fu) == 0x7fu;
        ASSERT_TRUE(is_nan ? std::isnan(fine) : fine == slow_small_value(bits, 4, 3)) << bits;
        const bool is_special = (bits & 0x7cu) == 0x7cu;
        const bool is_infinite = is_special && (bits & 0x3u) == 0;
        ASSERT_EQ(std::isinf(coarse), is_infinite) << bits;
        ASSERT_EQ(std::isnan(coarse), is_special && !is_infinite) << bits;
        ASSERT_TRUE(is_special || coarse == slow_small_value(bits, 5, 2)) << bits;
        ASSERT_EQ(std::signbit(fine), bits >= 0x80u) << bits;
    }
}

TEST(Float8, RoundsToNearestEvenAroundEveryValue) {
    for (int bits = 0; bits < 0x7f; ++bits) {
        const auto value = [](int of) { return static_cast<float>(Float8E4M3{static_cast<uint8_t>(of)}); };
        EXPECT_EQ(Float8E4M3::nearest(value(bits)).bits, bits);
        EXPECT_EQ(Float8E4M3::nearest(-value(bits)).bits, bits | 0x80);
        if (bits == 0x7e) continue;
        const float middle = (value(bits) + value(bits + 1)) / 2;
        EXPECT_EQ(Float8E4M3::nearest(middle).bits, bits % 2 == 0 ? bits : bits + 1);
        EXPECT_EQ(Float8E4M3::nearest(std::nextafter(middle, 0.0f)).bits, bits);
        EXPECT_EQ(Float8E4M3::nearest(std::nextafter(middle, 1e9f)).bits, bits + 1);
    }
    for (const float large : {449.0f, 464.0f, 1e30f, HUGE_VALF}) EXPECT_EQ(Float8E4M3::nearest(large).bits, 0x7e);
    EXPECT_TRUE(std::isnan(static_cast<float>(Float8E4M3::nearest(NAN))));
}

TEST(Float16, ComesBackFromFloatForAllBitPatterns) {
    for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
        const bool is_nan = (bits & 0x7fffu) > 0x7c00u;
        const uint32_t want = is_nan ? bits | 0x200u : bits;  // a signalling NaN becomes quiet
        ASSERT_EQ(Float16(static_cast<float>(half_of_bits(bits))).bits, want) << bits;
    }
}

TEST(Float16, RoundsToNearestEvenAroundEveryValue) {
    for (uint32_t bits = 0; bits < 0x7bffu; ++bits) {
        const double low = slow_value(bits);
        const double high = slow_value(bits + 1);
        const auto middle = static_cast<float>((low + high) / 2);
        const uint32_t even = bits % 2 == 0 ? bits : bits + 1;
        ASSERT_EQ(Float16(middle).bits, even);
        ASSERT_EQ(Float16(std::nextafter(middle, 0.0f)).bits, bits);
        ASSERT_EQ(Float16(std::nextafter(middle, kInfinity)).bits, bits + 1);
        ASSERT_EQ(Float16(-middle).bits, even | 0x8000u);
    }
}

TEST(Float16, AgreesWithTheProcessorAcrossAllExponents) {
    uint32_t state = 1;
    for (int i = 0; i < 2'000'000; ++i) {
        state = state * 1664525u + 1013904223u;
        const uint32_t raw = state ^ (state >> 15);
        const float value = std::bit_cast<float>(raw);
        const __m128i packed = _mm_cvtps_ph(_mm_set_ss(value), _MM_FROUND_TO_NEAREST_INT);
        ASSERT_EQ(Float16(value).bits, static_cast<uint16_t>(_mm_extract_epi16(packed, 0))) << raw;
    }
}

TEST(Float16, TurnsWhatIsTooLargeIntoInfinity) {
    EXPECT_EQ(Float16(65504.0f).bits, 0x7bff);
    EXPECT_EQ(Float16(65519.99f).bits, 0x7bff);
    EXPECT_EQ(Float16(65520.0f).bits, 0x7c00);
    EXPECT_EQ(Float16(-kInfinity).bits, 0xfc00);
    EXPECT_EQ(Float16(0x1p-25f).bits, 0);  // a tie between 0 and the smallest subnormal
    EXPECT_EQ(Float16(0x1.8p-25f).bits, 1);
}

TEST(BFloat16, RoundsToNearestEven) {
    const std::array<std::pair<uint32_t, uint16_t>, 10> cases = {{{0x3f800000u, 0x3f80},
                                                                  {0x3f807fffu, 0x3f80},
                                                                  {0x3f808000u, 0x3f80},
                                                                  {0x3f808001u, 0x3f81},
                                                                  {0x3f818000u, 0x3f82},
                                                                  {0xbf818000u, 0xbf82},
                                                                  {0x7f7fffffu, 0x7f80},
                                                                  {0x00000001u, 0x0000},
                                                                  {0x80000000u, 0x8000},
                                                                  {0x7f800000u, 0x7f80}}};
    for (const auto& [raw, want] : cases) EXPECT_EQ(BFloat16(std::bit_cast<float>(raw)).bits, want) << raw;
}

TEST(BFloat16, KeepsEveryNanANan) {
    for (const uint32_t raw : {0x7f800001u, 0x7fffffffu, 0xff800001u, 0x7fc00000u}) {
        EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(std::bit_cast<float>(raw))))) << raw;
    }
}

TEST(BFloat16, ComesBackFromFloatForAllBitPatterns) {
    for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
        BFloat16 value;
        value.bits = static_cast<uint16_t>(bits);
        const bool is_nan = (bits & 0x7fffu) > 0x7f80u;
        ASSERT_EQ(BFloat16(static_cast<float>(value)).bits, is_nan ? bits | 0x40u : bits);
    }
}

TEST(Convert, RoundsLikeTheScalarsWhateverTheThreads) {
    TestContext alone(1);
    TestContext three(3);
    const Tensor source = random_tensor(alone.context, {100'003}, DType::Float32, 3, 100.0f);
    for (const DType dtype : {DType::BFloat16, DType::Float16}) {
        const Tensor got = convert(alone.context, source, dtype);
        EXPECT_TRUE(same_bits(got, convert(three.context, source, dtype)));
        EXPECT_EQ(to_doubles(got), to_doubles(from_doubles(alone.context, source.shape(), dtype, to_doubles(source))));
        EXPECT_EQ(to_doubles(convert(three.context, got, DType::Float32)), to_doubles(got));
    }
}

TEST(Convert, ConvertsBetweenTheTwoSmallFormats) {
    TestContext test;
    const Tensor half = random_tensor(test.context, {64}, DType::Float16, 4);
    const Tensor brain = convert(test.context, half, DType::BFloat16);
    EXPECT_EQ(to_doubles(brain), to_doubles(from_doubles(test.context, {64}, DType::BFloat16, to_doubles(half))));
    EXPECT_EQ(convert(test.context, brain, DType::Float16).dtype(), DType::Float16);
}

TEST(Convert, ReadsAnyStrides) {
    TestContext test;
    const Tensor source = random_tensor(test.context, {5, 6, 7}, DType::Float32, 5);
    const Tensor view = source.transpose(0, 2).slice(1, 1, 4);
    const Tensor got = convert(test.context, view, DType::Float32);
    EXPECT_TRUE(got.is_contiguous());
    EXPECT_EQ(to_doubles(got), to_doubles(view));
    EXPECT_EQ(to_doubles(convert(test.context, view, DType::Float16)),
              to_doubles(from_doubles(test.context, view.shape(), DType::Float16, to_doubles(view))));
}

TEST(Convert, CopiesIntegersOnlyAsTheyAre) {
    TestContext test;
    const Tensor ids = from_doubles(test.context, {3}, DType::Int64, {1, 2, 3});
    EXPECT_EQ(to_doubles(convert(test.context, ids, DType::Int64)), to_doubles(ids));
    expect_error(ErrorCode::Unsupported, "expected a floating type, got i64",
                 [&] { convert(test.context, ids, DType::Float32); });
}

TEST(Convert, TakesEmptyAndScalarTensors) {
    TestContext test;
    EXPECT_EQ(convert(test.context, Tensor::zeros(test.context, {3, 0}, DType::Float32), DType::Float16).elements(), 0);
    EXPECT_EQ(convert(test.context, Tensor::zeros(test.context, {}, DType::Float32), DType::Float16).elements(), 1);
}

}  // namespace
}  // namespace kine
