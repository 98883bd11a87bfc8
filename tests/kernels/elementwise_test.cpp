#include "kernels/elementwise/elementwise.h"

#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <cmath>
#include <limits>

namespace kine::kernels {
namespace {

constexpr DType kBoth[] = {DType::Float32, DType::BFloat16};
constexpr float kInfinity = std::numeric_limits<float>::infinity();

double gelu(double v) { return 0.5 * v * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (v + 0.044715 * v * v * v))); }
double silu(double v) { return v / (1.0 + std::exp(-v)); }

template <class Function>
std::vector<double> mapped(const Function& function, const Tensor& a, const Tensor& b) {
    std::vector<double> values = to_doubles(a);
    const std::vector<double> others = to_doubles(b);
    for (size_t i = 0; i < values.size(); ++i) values[i] = function(values[i], others[i]);
    return values;
}

class Elementwise : public testing::TestWithParam<DType> {
  protected:
    TestContext test_;
    const Context& context_ = test_.context;
    const DType dtype_ = GetParam();
    const Tensor a_ = random_tensor(context_, {3, 5, 37}, dtype_, 1, 3.0f);
    const Tensor b_ = random_tensor(context_, {3, 5, 37}, dtype_, 2, 3.0f);

    template <class Function>
    void expect(const Tensor& got, const Function& function) const {
        EXPECT_EQ(got.shape(), a_.shape());
        expect_close(got, mapped(function, a_, b_), elementwise_tolerance(got.dtype()));
    }
};

INSTANTIATE_TEST_SUITE_P(DTypes, Elementwise, testing::ValuesIn(kBoth),
                         [](const auto& parameters) { return std::string(name_of(parameters.param)); });

TEST_P(Elementwise, AddsAndMultiplies) {
    expect(add(context_, a_, b_), [](double a, double b) { return a + b; });
    expect(multiply(context_, a_, b_), [](double a, double b) { return a * b; });
    expect(scale(context_, a_, 2.5f, -1.0f), [](double a, double) { return a * 2.5 - 1.0; });
}

TEST_P(Elementwise, Activates) {
    expect(activate(context_, a_, Activation::None), [](double a, double) { return a; });
    expect(activate(context_, a_, Activation::Silu), [](double a, double) { return silu(a); });
    // Twice the tolerance for the fourth power in the exponent at |x| = 10.
    const Tolerance tolerance = elementwise_tolerance(dtype_);
    const auto twin = [](double a, double) { return gelu(a); };
    expect_close(activate(context_, a_, Activation::GeluTanh), mapped(twin, a_, b_),
                 {2 * tolerance.relative, 2 * tolerance.absolute});
}

TEST_P(Elementwise, GatesByGelu) {
    expect(gelu_tanh_gate(context_, a_, b_), [](double a, double b) { return gelu(a) * b; });
}

TEST_P(Elementwise, CombinesInFloat32) {
    const Tensor got = combine(context_, 1.5f, a_, -0.25f, b_);
    EXPECT_EQ(got.dtype(), DType::Float32);
    expect(got, [](double a, double b) { return 1.5 * a - 0.25 * b; });
}

TEST_P(Elementwise, Clamps) {
    expect(clamp(context_, a_, -1.0f, 2.0f), [](double a, double) { return std::min(2.0, std::max(-1.0, a)); });
}

TEST_P(Elementwise, CastsBetweenFloatingTypesAndTakesAnyView) {
    for (const DType to : kBoth) {
        const Tensor got = cast(context_, a_.transpose(0, 2), to);
        EXPECT_EQ(got.dtype(), to);
        EXPECT_TRUE(got.is_contiguous());
        expect_close(got, to_doubles(a_.transpose(0, 2)), elementwise_tolerance(to));
    }
}

// Gates are slices of a modulation table: f32, with rows that are further apart than they are long.
TEST_P(Elementwise, GatesAResidualByARowOfATable) {
    const Tensor gate = random_tensor(context_, {3, 2 * 37}, DType::Float32, 5).slice(1, 37, 74);
    const std::vector<double> a = to_doubles(a_);
    const std::vector<double> b = to_doubles(b_);
    const std::vector<double> gates = to_doubles(gate);
    std::vector<double> residual(a.size());
    std::vector<double> product(a.size());
    for (size_t i = 0; i < a.size(); ++i) {
        product[i] = gates[i / (5 * 37) * 37 + i % 37] * b[i];
        residual[i] = a[i] + product[i];
    }
    // The two terms may cancel, and without fused multiply-adds the product is rounded by itself.
    expect_close(gate_residual(context_, a_, gate, b_), residual, sum_tolerance(dtype_, 2));
    expect_close(gate_multiply(context_, gate, b_), product, elementwise_tolerance(dtype_));
    expect(gate_residual(context_, a_, {}, b_), [](double x, double y) { return x + y; });
}

TEST_P(Elementwise, ReusesTheStorageOfAResidualOnlyWhenNobodyElseHoldsIt) {
    Tensor mine = random_tensor(context_, {3, 5, 37}, dtype_, 9);
    const std::byte* before = mine.raw();
    const Tensor kept = mine;
    const std::vector<double> values = to_doubles(kept);
    const Tensor fresh = gate_residual(context_, mine, {}, b_);
    EXPECT_NE(fresh.raw(), before);
    EXPECT_EQ(to_doubles(kept), values);

    Tensor alone = random_tensor(context_, {3, 5, 37}, dtype_, 9);
    const std::byte* place = alone.raw();
    const Tensor reused = gate_residual(context_, std::move(alone), {}, b_);
    EXPECT_EQ(reused.raw(), place);
    EXPECT_TRUE(reused.is_unique());
    EXPECT_TRUE(same_bits(reused, fresh));
}

TEST_P(Elementwise, AddsATableOverPatchesOrFrames) {
    const Tensor x = random_tensor(context_, {2, 3, 4, 10}, dtype_, 1);
    const Tensor patches = random_tensor(context_, {4, 10}, dtype_, 2);
    const Tensor frames = random_tensor(context_, {3, 1, 10}, dtype_, 3);
    std::vector<double> by_patch = to_doubles(x);
    std::vector<double> by_frame = by_patch;
    for (size_t i = 0; i < by_patch.size(); ++i) {
        by_patch[i] += to_doubles(patches)[i % 40];
        by_frame[i] += to_doubles(frames)[i / 40 % 3 * 10 + i % 10];
    }
    expect_close(add_table(context_, x, patches), by_patch, elementwise_tolerance(dtype_));
    expect_close(add_table(context_, x, frames), by_frame, elementwise_tolerance(dtype_));
}

TEST_P(Elementwise, FindsASingleValueThatIsNotFinite) {
    EXPECT_TRUE(all_finite(context_, a_));
    for (const float bad : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
        for (const size_t at : {0, 7, 300, 554}) {
            std::vector<double> values = to_doubles(a_);
            values[at] = static_cast<double>(bad);
            EXPECT_FALSE(all_finite(context_, from_doubles(context_, a_.shape(), dtype_, values)))
                << bad << " at " << at;
        }
    }
}

TEST(ElementwiseRange, ActivationsKeepTheirLimits) {
    TestContext test;
    const std::vector<double> values = {-kInfinity, -200.0, -20.0, 0.0, 20.0, 200.0, kInfinity};
    const Tensor x = from_doubles(test.context, {7}, DType::Float32, values);
    const std::vector<double> got = to_doubles(activate(test.context, x.slice(0, 1, 6), Activation::GeluTanh));
    EXPECT_NEAR(got[0], 0.0, 1e-30);
    EXPECT_EQ(got[2], 0.0);
    EXPECT_EQ(got[3], 20.0);
    EXPECT_EQ(got[4], 200.0);
    EXPECT_EQ(to_doubles(activate(test.context, x.slice(0, 6, 7), Activation::Silu)).front(), INFINITY);
}

TEST(QuantizeRgb, RoundsTheProductHalfToEvenAndClamps) {
    TestContext test;
    std::vector<double> values;
    for (int level = 0; level < 510; ++level) values.push_back(level / 510.0);  // every other one is a tie
    for (const double odd : {-0.5, 1.5, 1.0, 0.0, -0.0}) values.push_back(odd);
    values.push_back(std::nan(""));
    const auto count = static_cast<int64_t>(values.size());
    for (const DType dtype : kBoth) {
        const Tensor x = from_doubles(test.context, {1, 1, count / 3, 3}, dtype, values);
        const std::vector<double> seen = to_doubles(x);
        const std::vector<double> got = to_doubles(quantize_rgb(test.context, x));
        for (size_t i = 0; i + 1 < seen.size(); ++i) {
            const float product = static_cast<float>(seen[i]) * 255.0f;
            const double want = std::nearbyint(std::min(255.0, std::max(0.0, static_cast<double>(product))));
            EXPECT_EQ(got[i], want) << seen[i];
        }
        EXPECT_EQ(got.back(), 0.0);
    }
}

TEST(ElementwiseThreads, GiveTheSameBitsForAnyThreadCount) {
    TestContext one(1);
    TestContext three(3);
    const Tensor x = random_tensor(one.context, {2, 100003}, DType::Float32, 1);
    const Tensor y = random_tensor(one.context, {2, 100003}, DType::Float32, 2);
    EXPECT_TRUE(
        same_bits(activate(one.context, x, Activation::GeluTanh), activate(three.context, x, Activation::GeluTanh)));
    EXPECT_TRUE(same_bits(combine(one.context, 0.3f, x, 0.7f, y), combine(three.context, 0.3f, x, 0.7f, y)));
}

TEST(ElementwiseErrors, NameTheOpAndBothShapes) {
    TestContext test;
    const Tensor a = random_tensor(test.context, {2, 3}, DType::Float32, 1);
    const Tensor b = random_tensor(test.context, {3, 2}, DType::Float32, 2);
    try {
        add(test.context, a, b);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "add: shapes [2, 3] and [3, 2], expected equal");
        EXPECT_EQ(error.code(), ErrorCode::Bug);
    }
    EXPECT_THROW(add(test.context, a, b.transpose(0, 1)), Error);  // gaps
    EXPECT_THROW(add(test.context, a, cast(test.context, a, DType::BFloat16)), Error);
    EXPECT_THROW(gate_multiply(test.context, b, a), Error);
}

}  // namespace
}  // namespace kine::kernels
