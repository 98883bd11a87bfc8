// The fused norm on an emulated grid, against a twin in double.
#include "kernels/norm/norm.cuh"

#include "kernels/cuda/tensor_rows.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/norm/norm.h"
#include "kernels/norm/norm_cuda.h"
#include "runtime/config.h"
#include "tests/support/cuda/emulated_kernels.h"
#include "tests/support/cuda/kernel_test.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

namespace kine::kernels::cuda {
namespace {

constexpr float kEps = 1e-5f;

struct Inputs {
    Tensor x, y, gate, weight, bias, scale, shift;
    bool subtracts_mean = true;
};

struct Outputs {
    Tensor sum, out;
};

/// The element of a table that belongs to element `i` of x; `otherwise` where there is no table.
class Spread {
  public:
    Spread(const Tensor& table, const Tensor& x, double otherwise)
        : values_(table ? to_doubles(table) : std::vector<double>()),
          width_(static_cast<size_t>(x.dim(-1))),
          run_(values_.empty() ? 1 : static_cast<size_t>(x.elements()) / (values_.size() / width_)),
          otherwise_(otherwise) {}
    double at(size_t i) const { return values_.empty() ? otherwise_ : values_[i / run_ * width_ + i % width_]; }

  private:
    std::vector<double> values_;
    size_t width_, run_;
    double otherwise_;
};

std::vector<double> residual_sum(const Inputs& in) {
    std::vector<double> sum = to_doubles(in.x);
    if (!in.y) return sum;
    const std::vector<double> y = to_doubles(in.y);
    const Spread gate(in.gate, in.x, 1.0);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += gate.at(i) * y[i];
    return sum;
}

/// From the residual as it was stored, since its rounding is the kernel's own.
std::vector<double> norm_twin(const Inputs& in, std::vector<double> values) {
    const auto width = static_cast<size_t>(in.x.dim(-1));
    const Spread weight(in.weight, in.x, 1.0), bias(in.bias, in.x, 0.0), scale(in.scale, in.x, 0.0),
        shift(in.shift, in.x, 0.0);
    for (size_t row = 0; row < values.size(); row += width) {
        double mean = 0.0, variance = 0.0;
        for (size_t i = 0; in.subtracts_mean && i < width; ++i) mean += values[row + i] / static_cast<double>(width);
        for (size_t i = 0; i < width; ++i)
            variance += (values[row + i] - mean) * (values[row + i] - mean) / static_cast<double>(width);
        for (size_t i = row; i < row + width; ++i) {
            const double normal = (values[i] - mean) / std::sqrt(variance + kEps) * weight.at(i) + bias.at(i);
            values[i] = normal * (1.0 + scale.at(i)) + shift.at(i);
        }
    }
    return values;
}

// As for the host's norm: a few roundings of 2^-24 of values up to about 10; one rounding to bf16.
Tolerance tolerance_of(DType dtype) { return dtype == DType::BFloat16 ? Tolerance{4e-3, 2e-5} : Tolerance{3e-6, 6e-6}; }

class NormKernel : public KernelTest {
  protected:
    template <class T>
    Outputs fused_as(const Inputs& in) {
        Outputs made = {Tensor::empty(context, in.x.shape(), in.x.dtype()),
                        Tensor::empty(context, in.x.shape(), in.x.dtype())};
        NormArguments<T> norm;
        norm.x = in.x.data<T>();
        norm.y = in.y ? in.y.data<T>() : nullptr;
        norm.sum = made.sum.data<T>();
        norm.out = made.out.data<T>();
        norm.width = static_cast<int>(in.x.dim(-1));
        norm.rows = in.x.elements() / norm.width;
        norm.places.stride = norm.width;
        norm.gate = row_table(in.gate, norm.rows);
        norm.weight = row_table(in.weight, norm.rows);
        norm.bias = row_table(in.bias, norm.rows);
        norm.scale = row_table(in.scale, norm.rows);
        norm.shift = row_table(in.shift, norm.rows);
        norm.eps = kEps;
        norm.subtracts_mean = in.subtracts_mean;
        norm.by_words =
            moves_by_words({&in.x, &in.y, &made.sum, &made.out, &in.gate, &in.weight, &in.bias, &in.scale, &in.shift});
        run(norm);
        return made;
    }

    Outputs fused(const Inputs& in) {
        return in.x.dtype() == DType::Float32 ? fused_as<float>(in) : fused_as<BFloat16>(in);
    }

    void expect_equals_twin(const Inputs& in) {
        const Outputs got = fused(in);
        if (in.y) expect_close(got.sum, residual_sum(in), elementwise_tolerance(in.x.dtype()));
        expect_close(got.out, norm_twin(in, to_doubles(in.y ? got.sum : in.x)), tolerance_of(in.x.dtype()));
    }

  private:
    template <class T>
    void run(const NormArguments<T>& norm) {
        if constexpr (kHasCuda) {
            if (is_on_gpu()) return run_on_gpu([&](Stream stream) { launch_norm(norm, stream); });
        }
        emulate(norm);
    }
};

INSTANTIATE_TEST_SUITE_P(Places, NormKernel, kPlaces, name_of_place);

// One warp with parts of a step, a whole number of steps, tails that are no whole chunk; two, four and eight warps.
const Shape kShapes[] = {{2, 3, 8},   {1, 5, 37},   {2, 2, 72},   {1, 2, 1152},
                         {1, 1, 768}, {2, 1, 1536}, {1, 1, 1544}, {1, 1, 2561}};

Inputs everything(const Context& context, const Shape& shape, DType dtype) {
    const int64_t batch = shape[0], width = shape[2];
    const Tensor table = random_tensor(context, {batch, 6, width}, DType::Float32, 3);
    Inputs in;
    in.x = random_tensor(context, shape, dtype, 1, 2.0f);
    in.y = random_tensor(context, shape, dtype, 2);
    in.shift = table.select(1, 0);
    in.scale = table.select(1, 1);
    in.gate = table.select(1, 5);
    in.weight = random_tensor(context, {width}, DType::Float32, 4);
    in.bias = random_tensor(context, {width}, DType::Float32, 5);
    return in;
}

TEST_P(NormKernel, EqualsTheTwinWithResidualGateWeightsAndModulation) {
    for (const DType dtype : {DType::Float32, DType::BFloat16}) {
        for (const Shape& shape : kShapes) {
            SCOPED_TRACE(to_string(shape));
            expect_equals_twin(everything(context, shape, dtype));
        }
    }
}

TEST_P(NormKernel, EqualsTheTwinWithAnyPartAbsent) {
    const Inputs all = everything(context, {2, 3, 72}, DType::BFloat16);
    for (const auto part : {&Inputs::y, &Inputs::gate, &Inputs::weight, &Inputs::bias, &Inputs::shift}) {
        Inputs in = all;
        in.*part = {};
        if (part == &Inputs::shift) in.scale = {};
        expect_equals_twin(in);
    }
    Inputs root_mean_square = all;
    root_mean_square.subtracts_mean = false;
    expect_equals_twin(root_mean_square);
}

TEST_P(NormKernel, EqualsTheTwinOnWiderRowsThanUsual) {
    expect_equals_twin(everything(context, {1, 2, 6152}, DType::BFloat16));
    expect_equals_twin(everything(context, {1, 2, 8191}, DType::BFloat16));  // not by words
    expect_equals_twin(everything(context, {1, 1, kNormWidest}, DType::BFloat16));
}

TEST_P(NormKernel, EqualsTheSeparateOpsOfTheHost) {
    const Inputs in = everything(context, {2, 3, 1152}, DType::BFloat16);
    const Outputs got = fused(in);
    const Tensor sum = gate_residual(context, in.x, in.gate, in.y);
    const NormWeights weights = {in.weight, in.bias, kEps};
    // The same operations; sums in another order move a value across a rounding now and then.
    expect_close(got.sum, to_doubles(sum), {8e-3, 1e-6});
    expect_close(got.out, to_doubles(layer_norm_modulate(context, sum, weights, in.shift, in.scale)), {8e-3, 2e-5});
}

TEST(NormLaunch, GivesWideRowsMoreWarps) {
    EXPECT_EQ(norm_launch(1000, 768, true), (Launch{250, 1, 128, 0}));
    EXPECT_EQ(norm_launch(1000, 1152, true), (Launch{1000, 1, 64, 8}));
    EXPECT_EQ(norm_launch(5, 8, true), (Launch{2, 1, 128, 0}));
    EXPECT_EQ(norm_launch(1000, 1281, false), (Launch{1000, 1, 256, 32}));
    EXPECT_EQ(norm_launch(7, 37, false), (Launch{2, 1, 128, 0}));
    EXPECT_EQ(norm_launch(7, 3072, true), (Launch{7, 1, 128, 16}));
    EXPECT_EQ(norm_launch(7, 5120, true), (Launch{7, 1, 256, 32}));
    EXPECT_EQ(norm_launch(7, 6144, true), (Launch{7, 1, 256, 32}));
    EXPECT_EQ(norm_launch(7, 6145, false), (Launch{7, 1, 1024, 128}));
    EXPECT_EQ(norm_launch(7, 8192, true), (Launch{7, 1, 1024, 128}));
    EXPECT_EQ(norm_warps(kNormWidest, true), 32);
    EXPECT_EQ(norm_warps(kNormWidest + 1, false), 0);
}

TEST_P(NormKernel, KnowsWhatTheRowsOfATableBelongTo) {
    const Tensor table = random_tensor(context, {2, 6, 16}, DType::Float32, 1);
    const RowTable slice = row_table(table.select(1, 3), 10);
    EXPECT_EQ(slice.rows_per_group, 5);
    EXPECT_EQ(slice.stride, 96);
    EXPECT_EQ(row_table({}, 10).values, nullptr);
    const RowTable weight = row_table(random_tensor(context, {9}, DType::Float32, 1), 10);
    EXPECT_EQ(weight.rows_per_group, 10);
    EXPECT_EQ(weight.stride, 0);
    EXPECT_TRUE(moves_by_words({&table}));
    const Tensor shifted = random_tensor(context, {4, 9}, DType::Float32, 2).slice(1, 1, 9);
    EXPECT_FALSE(moves_by_words({&shifted}));
}

TEST_P(NormKernel, KnowsWhereRowsOfViewsBegin) {
    const Tensor packed = random_tensor(context, {2, 3, 5, 4, 8}, DType::Float32, 1);  // the third axis: q, k, v, ...
    const Tensor keys = packed.select(2, 1);                                           // [2, 3, 4, 8]
    const auto places = row_places(keys);
    ASSERT_TRUE(places);
    for (int64_t row = 0; row < 2 * 3 * 4; ++row)
        EXPECT_EQ(places->at(row), row / 4 * packed.stride(1) + row % 4 * packed.stride(3)) << row;
    EXPECT_EQ(row_places(packed)->at(7), 56);
    EXPECT_FALSE(row_places(packed.transpose(0, 2)));
    EXPECT_EQ(row_places(packed.select(0, 0).select(0, 0).select(0, 0).select(0, 0))->at(0), 0);
}

}  // namespace
}  // namespace kine::kernels::cuda
