#include "kernels/linear/linear.h"

#include "kernels/linear/packed_matrix.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <cmath>

namespace kine::kernels {
namespace {

constexpr DType kBoth[] = {DType::Float32, DType::BFloat16};

double activated(double v, Activation activation) {
    if (activation == Activation::Silu) return v / (1.0 + std::exp(-v));
    if (activation == Activation::GeluTanh)
        return 0.5 * v * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (v + 0.044715 * v * v * v)));
    return v;
}

std::vector<double> twin(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
    const std::vector<double> rows = to_doubles(x);
    const std::vector<double> weights = to_doubles(weight);
    const std::vector<double> biases =
        bias ? to_doubles(bias) : std::vector<double>(static_cast<size_t>(weight.dim(0)));
    const auto depth = static_cast<size_t>(weight.dim(1));
    std::vector<double> out;
    for (size_t row = 0; row < rows.size() / depth; ++row) {
        for (size_t column = 0; column < biases.size(); ++column) {
            double sum = biases[column];
            for (size_t k = 0; k < depth; ++k) sum += rows[row * depth + k] * weights[column * depth + k];
            out.push_back(activated(sum, activation));
        }
    }
    return out;
}

struct Sizes {
    int64_t rows, depth, columns;
};

const Sizes kAwkward[] = {{1, 1, 1},    {3, 1, 5},   {2, 17, 1},   {7, 5, 16},    {13, 33, 31},  {1, 300, 40},
                          {97, 320, 8}, {5, 321, 3}, {65, 40, 50}, {33, 700, 17}, {100, 24, 400}};

// A tensor over x's rows as the plain linear sees them, for forcing a method.
Tensor multiply_by(const Context& context, std::string_view method, const Tensor& x, const Tensor& weight) {
    const PackedMatrix matrix(context, weight, {}, method);
    const int64_t depth = x.dim(1);
    const auto run = [&](int64_t row, int64_t k) {
        return Run{x.raw() + (row * x.stride(0) + k) * size_of(x.dtype()), depth - k};
    };
    Tensor out = Tensor::empty(context, {x.dim(0), weight.dim(0)}, x.dtype());
    matrix.multiply(context, {x.dim(0), x.dtype(), run}, Activation::None, out);
    return out;
}

TEST(Linear, EqualsTheTwinByEveryMethodForAwkwardSizes) {
    TestContext test;
    for (const MatrixMethod& method : matrix_methods()) {
        for (const DType dtype : kBoth) {
            for (const auto& [rows, depth, columns] : kAwkward) {
                if (!method.can_run(depth, columns, dtype)) continue;
                SCOPED_TRACE(fmt::format("{} {} {}x{}x{}", method.name, name_of(dtype), rows, depth, columns));
                const Tensor x = random_tensor(test.context, {rows, depth}, dtype, 1);
                const Tensor weight = random_tensor(test.context, {columns, depth}, dtype, 2);
                const Tensor got = multiply_by(test.context, method.name, x, weight);
                expect_close(got, twin(x, weight, {}, Activation::None), sum_tolerance(dtype, depth));
            }
        }
    }
}

TEST(Linear, GivesBackItsWeightAndBiasToTheBit) {
    TestContext test;
    for (const MatrixMethod& method : matrix_methods()) {
        for (const DType dtype : kBoth) {
            for (const auto& [rows, depth, columns] : kAwkward) {
                if (!method.can_run(depth, columns, dtype)) continue;
                const Tensor weight = random_tensor(test.context, {columns, depth}, dtype, 2);
                const PackedMatrix matrix(test.context, weight, {}, method.name);
                EXPECT_TRUE(same_bits(matrix.unpacked(test.context), weight)) << method.name << " " << name_of(dtype);
            }
        }
    }
    const Tensor bias = random_tensor(test.context, {5}, DType::Float32, 3);
    const LinearWeight layer(test.context, random_tensor(test.context, {5, 3}, DType::Float32, 2), bias);
    EXPECT_TRUE(same_bits(layer.unpacked_bias(), bias));
}

TEST(Linear, AddsBiasAndActivates) {
    TestContext test;
    for (const DType dtype : kBoth) {
        for (const Activation activation : {Activation::None, Activation::GeluTanh, Activation::Silu}) {
            const Tensor x = random_tensor(test.context, {2, 3, 20}, dtype, 1);
            const Tensor weight = random_tensor(test.context, {27, 20}, dtype, 2);
            const Tensor bias = random_tensor(test.context, {27}, dtype, 3);
            const Tensor got = linear(test.context, x, LinearWeight(test.context, weight, bias), activation);
            EXPECT_EQ(got.shape(), (Shape{2, 3, 27}));
            expect_close(got, twin(x, weight, bias, activation), sum_tolerance(dtype, 20));
        }
    }
}

TEST(Linear, ReadsRowsWithGapsBetweenThem) {
    TestContext test;
    for (const DType dtype : kBoth) {
        const Tensor wide = random_tensor(test.context, {2, 9, 50}, dtype, 1);
        const Tensor x = wide.slice(2, 7, 31);
        const Tensor weight = random_tensor(test.context, {10, 24}, dtype, 2);
        const Tensor got = linear(test.context, x, LinearWeight(test.context, weight));
        expect_close(got, twin(x, weight, {}, Activation::None), sum_tolerance(dtype, 24));
    }
}

TEST(Linear, TakesASingleVector) {
    TestContext test;
    const Tensor x = random_tensor(test.context, {12}, DType::Float32, 1);
    const Tensor weight = random_tensor(test.context, {5, 12}, DType::Float32, 2);
    const Tensor got = linear(test.context, x, LinearWeight(test.context, weight));
    EXPECT_EQ(got.shape(), (Shape{5}));
    expect_close(got, twin(x, weight, {}, Activation::None), sum_tolerance(DType::Float32, 12));
}

// The promise that ranks rely on: every row of every subset has the bits that it has in the whole.
void expect_rows_independent(const Context& context, std::string_view method, const Sizes& sizes, DType dtype) {
    const Tensor x = random_tensor(context, {sizes.rows, sizes.depth}, dtype, 1);
    const Tensor weight = random_tensor(context, {sizes.columns, sizes.depth}, dtype, 2);
    const Tensor whole = multiply_by(context, method, x, weight);
    for (const int64_t count : {1, 2, 5, 7, 63, 64, 65, 130}) {
        if (count > sizes.rows) break;
        for (const int64_t first : {int64_t{0}, sizes.rows / 3, sizes.rows - count}) {
            if (first + count > sizes.rows) continue;
            TestContext other(static_cast<int>(1 + count % 3));
            const Tensor some = multiply_by(other.context, method, x.slice(0, first, first + count), weight);
            EXPECT_TRUE(same_bits(some, whole.slice(0, first, first + count)))
                << method << " " << name_of(dtype) << ": rows " << first << " to " << first + count << " of "
                << sizes.rows << "x" << sizes.depth << "x" << sizes.columns;
        }
    }
}

TEST(Linear, GivesARowTheSameBitsWhateverStandsBesideItAndHoweverManyThreadsRun) {
    TestContext test;
    // "" is what linear takes here; oneDNN by name would not do, since its plain products promise nothing.
    for (const std::string_view method : {"", "panels"}) {
        for (const DType dtype : kBoth) {
            for (const Sizes& sizes :
                 {Sizes{1000, 72, 100}, Sizes{140, 353, 401}, Sizes{200, 40, 1}, Sizes{131, 1, 40}})
                expect_rows_independent(test.context, method, sizes, dtype);
        }
    }
}

TEST(Linear, RoundsABFloat16ResultOnce) {
    TestContext test;
    // 256 + 1 + 1: rounding after each addition would lose both ones, since 257 is no bf16 and rounds to 256.
    const Tensor x = from_doubles(test.context, {1, 3}, DType::BFloat16, {256.0, 1.0, 1.0});
    const Tensor weight = from_doubles(test.context, {1, 3}, DType::BFloat16, {1.0, 1.0, 1.0});
    EXPECT_EQ(to_doubles(linear(test.context, x, LinearWeight(test.context, weight))).front(), 258.0);
}

TEST(Linear, SaysWhichWidthItExpected) {
    TestContext test;
    const LinearWeight weight(test.context, random_tensor(test.context, {4, 8}, DType::Float32, 1));
    try {
        linear(test.context, random_tensor(test.context, {2, 6}, DType::Float32, 2), weight);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "linear: x has shape [2, 6], expected a last axis of 8");
    }
    EXPECT_THROW(linear(test.context, random_tensor(test.context, {2, 8}, DType::BFloat16, 2), weight), Error);
    EXPECT_THROW(linear(test.context, random_tensor(test.context, {8, 8}, DType::Float32, 2).transpose(0, 1), weight),
                 Error);
}

}  // namespace
}  // namespace kine::kernels
