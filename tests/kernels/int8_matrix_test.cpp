// Products in eight bits against a twin that quantises by the same rule, on matrix units (emulated ones too) and in
// vector registers, which must agree to the bit.
#include "kernels/linear/int8_matrix.h"

#include "kernels/linear/lane_tiles.h"
#include "kernels/linear/linear.h"
#include "runtime/device/host/processor.h"
#include "tests/support/emulated_tiles.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <cmath>

namespace kine::kernels {
namespace {

constexpr DType kBoth[] = {DType::Float32, DType::BFloat16};

struct Sizes {
    int64_t rows, depth, columns;
};

// One block of depth and two, one group of columns and two, whole tiles and parts of them.
const Sizes kAwkward[] = {{1, 1, 1},     {3, 5, 40},    {31, 63, 31},  {32, 64, 32},   {33, 65, 33},
                          {70, 72, 100}, {5, 130, 530}, {2, 2400, 17}, {40, 2304, 64}, {300, 40, 8}};

Rows rows_of(const Tensor& x) {
    const auto run = [&x](int64_t row, int64_t k) {
        return Run{x.raw() + (row * x.stride(0) + k) * size_of(x.dtype()), x.dim(1) - k};
    };
    return {x.dim(0), x.dtype(), run};
}

/// A row's whole numbers and the scale that they were divided by, in floats as the rule says.
struct TwinRow {
    std::vector<double> values;
    double scale;
};

TwinRow quantized(const double* values, size_t count) {
    float largest = 0.0f;
    for (size_t k = 0; k < count; ++k) largest = std::max(largest, std::abs(static_cast<float>(values[k])));
    TwinRow row = {std::vector<double>(count), double(largest / 127.0f)};
    if (largest == 0.0f) return row;
    for (size_t k = 0; k < count; ++k)
        row.values[k] = std::nearbyint(static_cast<float>(values[k]) * (127.0f / largest));
    return row;
}

std::vector<TwinRow> quantized(const Tensor& x) {
    const std::vector<double> values = to_doubles(x);
    const auto depth = static_cast<size_t>(x.dim(1));
    std::vector<TwinRow> rows;
    for (size_t row = 0; row * depth < values.size(); ++row) rows.push_back(quantized(&values[row * depth], depth));
    return rows;
}

std::vector<double> twin(const Tensor& x, const Tensor& weight, double bias) {
    const std::vector<TwinRow> columns = quantized(weight);
    std::vector<double> out;
    for (const TwinRow& row : quantized(x)) {
        for (const TwinRow& column : columns) {
            double sum = 0;
            for (size_t k = 0; k < row.values.size(); ++k) sum += row.values[k] * column.values[k];
            out.push_back(sum * row.scale * column.scale + bias);
        }
    }
    return out;
}

/// By `Tiles`, or what the processor has if that is void.
template <class Tiles>
Tensor product(const Context& context, const Tensor& x, const Tensor& weight) {
    Tensor out = Tensor::empty(context, {x.dim(0), weight.dim(0)}, x.dtype());
    const std::vector<float> bias(static_cast<size_t>(weight.dim(0)), 0.5f);
    const Int8Matrix matrix(context, weight);
    const Epilogue epilogue = {bias.data(), Activation::None, &out};
    if constexpr (std::is_void_v<Tiles>) {
        matrix.multiply(context, rows_of(x), epilogue);
    } else {
        multiply_int8_by<Tiles>(context, matrix.panels(), rows_of(x), epilogue);
    }
    return out;
}

TEST(Int8Matrix, EqualsATwinThatQuantisesByTheSameRule) {
    TestContext test;
    for (const DType dtype : kBoth) {
        for (const auto& [rows, depth, columns] : kAwkward) {
            SCOPED_TRACE(fmt::format("{} {}x{}x{}", name_of(dtype), rows, depth, columns));
            const Tensor x = random_tensor(test.context, {rows, depth}, dtype, 1);
            const Tensor weight = random_tensor(test.context, {columns, depth}, dtype, 2);
            // Sums are exact, so what is left are a few roundings of f32 and one of the result.
            const Tolerance tolerance = dtype == DType::BFloat16 ? Tolerance{4e-3, 1e-5} : Tolerance{1e-6, 1e-5};
            expect_close(product<void>(test.context, x, weight), twin(x, weight, 0.5), tolerance);
        }
    }
}

TEST(Int8Matrix, GivesTheSameBitsOnAllUnits) {
    TestContext test;
    for (const auto& [rows, depth, columns] : kAwkward) {
        SCOPED_TRACE(fmt::format("{}x{}x{}", rows, depth, columns));
        const Tensor x = random_tensor(test.context, {rows, depth}, DType::BFloat16, 1);
        const Tensor weight = random_tensor(test.context, {columns, depth}, DType::BFloat16, 2);
        const Tensor want = product<LaneTiles>(test.context, x, weight);
        EXPECT_TRUE(same_bits(product<EmulatedTiles>(test.context, x, weight), want));
        EXPECT_TRUE(same_bits(product<void>(test.context, x, weight), want));
        if (has_int8_lanes()) {
            EXPECT_TRUE(same_bits(product<WideTiles>(test.context, x, weight), want));
        }
    }
}

TEST(Int8Matrix, IsCloseToTheExactProduct) {
    TestContext test;
    const int64_t depth = 500;
    const Tensor x = random_tensor(test.context, {50, depth}, DType::Float32, 1);
    const Tensor weight = random_tensor(test.context, {60, depth}, DType::Float32, 2);
    const std::vector<double> want = to_doubles(linear(test.context, x, LinearWeight(test.context, weight)));
    const std::vector<double> got = to_doubles(product<void>(test.context, x, weight));
    double error = 0, power = 0;
    for (size_t i = 0; i < want.size(); ++i) {
        error += std::pow(got[i] - 0.5 - want[i], 2);
        power += std::pow(want[i], 2);
    }
    // A normal row's largest of 500 is about 3.1 deviations, so a step is 0.024 and its error 0.007 of the value; there
    // are two such errors in each product: 1 %.
    EXPECT_LT(std::sqrt(error / power), 0.015);
    EXPECT_GT(std::sqrt(error / power), 0.005) << "as exact as that is not eight bits";
}

TEST(Int8Matrix, GivesARowTheSameBitsWhateverStandsBesideItAndHoweverManyThreadsRun) {
    TestContext test;
    const Tensor x = random_tensor(test.context, {9000, 40}, DType::BFloat16, 1);  // more than a chunk of rows
    const Tensor weight = random_tensor(test.context, {70, 40}, DType::BFloat16, 2);
    const Tensor whole = product<void>(test.context, x, weight);
    for (const int64_t count : {1, 31, 32, 33, 8192, 8999}) {
        TestContext other(static_cast<int>(1 + count % 3));
        for (const int64_t first : {int64_t{0}, 9000 - count}) {
            const Tensor some = product<void>(other.context, x.slice(0, first, first + count), weight);
            EXPECT_TRUE(same_bits(some, whole.slice(0, first, first + count))) << count << " rows from " << first;
        }
    }
}

TEST(Int8Matrix, TakesRowsOfZerosOfTinyNumbersAndOfNone) {
    TestContext test;
    const std::vector<double> values = {0, 0, 0, 1e-38, 0, -1e-38, 1, INFINITY, 1, NAN, 1, 2, 1, -3, 2};
    const Tensor x = from_doubles(test.context, {5, 3}, DType::Float32, values);
    const Tensor weight = from_doubles(test.context, {2, 3}, DType::Float32, {1, 1, 1, 0, 0, 0});
    const std::vector<double> got = to_doubles(product<void>(test.context, x, weight));
    EXPECT_EQ(got[0], 0.5);
    EXPECT_EQ(got[2], 0.5);
    for (const size_t bad : {4u, 5u, 6u, 7u}) EXPECT_TRUE(std::isnan(got[bad])) << "a row that is not finite must show";
    EXPECT_NEAR(got[8], 0.5, 0.02);
    EXPECT_EQ(got[9], 0.5);
}

TEST(Int8Matrix, GivesAWeightThatIsQuantisedToTheSameNumbersAgain) {
    TestContext test;
    for (const DType dtype : kBoth) {
        for (const auto& [rows, depth, columns] : kAwkward) {
            const Int8Matrix once(test.context, random_tensor(test.context, {columns, depth}, dtype, 2));
            const Int8Matrix twice(test.context, once.unpacked(test.context));
            const auto count = static_cast<size_t>(packed_int8_values(depth, columns));
            EXPECT_EQ(std::memcmp(once.panels().values, twice.panels().values, count), 0) << depth << "x" << columns;
            for (int64_t column = 0; column < columns; ++column)
                EXPECT_NEAR(twice.panels().scales[column] / once.panels().scales[column], 1.0f, 0x1p-8f);
        }
    }
}

TEST(Int8Matrix, IsALinearWeightsOptionWithBiasAndActivation) {
    TestContext test;
    const Tensor x = random_tensor(test.context, {2, 9, 50}, DType::BFloat16, 1).slice(2, 7, 31);
    const Tensor weight = random_tensor(test.context, {27, 24}, DType::BFloat16, 2);
    const Tensor bias = random_tensor(test.context, {27}, DType::BFloat16, 3);
    const LinearWeight layer(test.context, weight, bias, Quantization::Int8);
    EXPECT_EQ(layer.quantization(), Quantization::Int8);
    for (const Activation activation : {Activation::None, Activation::GeluTanh, Activation::Silu}) {
        const Tensor want = linear(test.context, x, LinearWeight(test.context, weight, bias), activation);
        const Tensor got = linear(test.context, x, layer, activation);
        EXPECT_EQ(got.shape(), want.shape());
        // Sums of 24 products have a deviation of 5, two quantisations an error of 1 % of that; five of those.
        expect_close(got, to_doubles(want), {4e-3, 0.25});
    }
}

}  // namespace
}  // namespace kine::kernels
