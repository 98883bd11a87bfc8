// The product on matrix units, checked on units that are emulated: the same code runs on those of a processor.
#include "kernels/linear/tile_matrix.h"
#include "tests/support/emulated_tiles.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

namespace kine::kernels {
namespace {

using Matrix = TileMatrix<EmulatedTiles>;
using Short = WeightPanels::Short;

struct Sizes {
    int64_t rows, depth, columns;
};

// The last three have rows that are read in place; the very last ones lie 4 KiB apart and are not.
const Sizes kSizes[] = {{1, 1, 1},    {3, 5, 40},   {31, 33, 31},   {32, 32, 32},  {70, 72, 100},
                        {5, 64, 530}, {64, 64, 48}, {33, 96, 1100}, {40, 2048, 17}};

Rows rows_of(const Tensor& x) {
    const auto run = [&x](int64_t row, int64_t k) {
        return Run{x.raw() + (row * x.stride(0) + k) * size_of(x.dtype()), x.dim(1) - k};
    };
    return {x.dim(0), x.dtype(), run};
}

Tensor product(const Context& context, const Tensor& x, const Tensor& weight, Short which = Short::Large) {
    Tensor out = Tensor::empty(context, {x.dim(0), weight.dim(0)}, DType::BFloat16);
    const std::vector<float> bias(static_cast<size_t>(weight.dim(0)), 0.5f);
    Matrix(context, weight, which).multiply(context, rows_of(x), {bias.data(), Activation::None, &out});
    return out;
}

std::vector<double> twin(const Tensor& x, const Tensor& weight) {
    const std::vector<double> rows = to_doubles(x), weights = to_doubles(weight);
    const auto depth = static_cast<size_t>(x.dim(1));
    std::vector<double> out;
    for (size_t row = 0; row < rows.size() / depth; ++row) {
        for (size_t column = 0; column < weights.size() / depth; ++column) {
            out.push_back(0.5);
            for (size_t k = 0; k < depth; ++k) out.back() += rows[row * depth + k] * weights[column * depth + k];
        }
    }
    return out;
}

TEST(TileProduct, EqualsTheTwinForAwkwardSizes) {
    TestContext test;
    for (const auto& [rows, depth, columns] : kSizes) {
        SCOPED_TRACE(fmt::format("{}x{}x{}", rows, depth, columns));
        const Tensor x = random_tensor(test.context, {rows, depth}, DType::BFloat16, 1);
        const Tensor weight = random_tensor(test.context, {columns, depth}, DType::BFloat16, 2);
        expect_close(product(test.context, x, weight), twin(x, weight), sum_tolerance(DType::BFloat16, depth));
    }
}

/// Whether a thread meets a group once or again, in one block of depth or several.
TEST(TileProduct, OfAWeightInTwelveBitsHasTheSameBits) {
    TestContext one(1), three(3);
    const Sizes sizes[] = {{3, 5, 40}, {70, 72, 100}, {33, 96, 1100}, {300, 64, 48}, {5, 2400, 70}, {140, 2400, 33}};
    for (const auto& [rows, depth, columns] : sizes) {
        SCOPED_TRACE(fmt::format("{}x{}x{}", rows, depth, columns));
        const Tensor x = random_tensor(one.context, {rows, depth}, DType::BFloat16, 1);
        const Tensor weight = random_tensor(one.context, {columns, depth}, DType::BFloat16, 2);
        ASSERT_TRUE(Matrix(one.context, weight, Short::Always).panels().is_short());
        const Tensor whole = product(one.context, x, weight, Short::Never);
        EXPECT_TRUE(same_bits(product(one.context, x, weight, Short::Always), whole));
        EXPECT_TRUE(same_bits(product(three.context, x, weight, Short::Always), whole));
    }
}

TEST(TileProduct, GivesBackItsWeightToTheBit) {
    TestContext test;
    for (const auto& [rows, depth, columns] : kSizes) {
        const Tensor weight = random_tensor(test.context, {columns, depth}, DType::BFloat16, 2);
        EXPECT_TRUE(same_bits(Matrix(test.context, weight).unpacked(test.context), weight)) << depth << "x" << columns;
    }
}

TEST(TileProduct, OfARowDoesNotDependOnWhatStandsBesideItNorOnWhereItIsReadFrom) {
    TestContext test;
    TestContext three(3);
    const Tensor wide = random_tensor(test.context, {100, 80}, DType::BFloat16, 1);
    const Tensor x = wide.slice(1, 8, 72);
    const Tensor weight = random_tensor(test.context, {70, 64}, DType::BFloat16, 2);
    const Tensor whole = product(test.context, x, weight);
    for (const int64_t count : {1, 31, 32, 33, 90}) {
        const Tensor some = product(three.context, x.slice(0, 100 - count, 100), weight);
        EXPECT_TRUE(same_bits(some, whole.slice(0, 100 - count, 100))) << count << " rows";
    }
}

TEST(TileProduct, DoesNotReadBeyondItsOperands) {
    TestContext test;  // an instrumented build would see it; elsewhere values beyond must not count
    Tensor wide = random_tensor(test.context, {33, 40}, DType::BFloat16, 1);
    for (int64_t row = 0; row < 33; ++row) {
        for (int64_t k = 33; k < 40; ++k) wide.data<BFloat16>()[row * 40 + k] = BFloat16(NAN);
    }
    const Tensor x = wide.slice(1, 0, 33);
    const Tensor weight = random_tensor(test.context, {33, 33}, DType::BFloat16, 2);
    expect_close(product(test.context, x, weight), twin(x, weight), sum_tolerance(DType::BFloat16, 33));
}

}  // namespace
}  // namespace kine::kernels
