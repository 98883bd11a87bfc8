#include "kernels/norm/norm.h"

#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <cmath>

namespace kine::kernels {
namespace {

constexpr DType kBoth[] = {DType::Float32, DType::BFloat16};
constexpr double kEps = 1e-6;

struct Moments {
    double mean = 0.0;
    double variance = 0.0;
};

template <class Indices>
Moments moments_of(const std::vector<double>& values, const Indices& indices) {
    Moments moments;
    for (const size_t i : indices) moments.mean += values[i] / static_cast<double>(indices.size());
    for (const size_t i : indices) {
        const double distance = values[i] - moments.mean;
        moments.variance += distance * distance / static_cast<double>(indices.size());
    }
    return moments;
}

std::vector<size_t> row_indices(size_t row, size_t width) {
    std::vector<size_t> indices;
    for (size_t i = 0; i < width; ++i) indices.push_back(row * width + i);
    return indices;
}

// (x - mean) / sqrt(variance + eps), row by row.
std::vector<double> normalised(const Tensor& x) {
    std::vector<double> values = to_doubles(x);
    const std::vector<double> before = values;
    const auto width = static_cast<size_t>(x.dim(-1));
    for (size_t row = 0; row < values.size() / width; ++row) {
        const std::vector<size_t> indices = row_indices(row, width);
        const Moments moments = moments_of(before, indices);
        for (const size_t i : indices) values[i] = (before[i] - moments.mean) / std::sqrt(moments.variance + kEps);
    }
    return values;
}

// A normalised value inherits the roundings of mean and deviation: a few 2^-24 of a value up to 5.
Tolerance norm_tolerance(DType dtype) {
    return dtype == DType::BFloat16 ? Tolerance{4e-3, 1e-5} : Tolerance{2e-6, 3e-6};
}

const Shape kShapes[] = {{2, 3, 8}, {1, 5, 1152}, {3, 2, 2, 37}, {2, 1, 1}, {1, 1, 7}, {2, 4, 33}};

TEST(NormModulate, EqualsTheTwinWithSlicesOfAModulationTable) {
    TestContext test;
    for (const DType dtype : kBoth) {
        for (const Shape& shape : kShapes) {
            SCOPED_TRACE(to_string(shape));
            const int64_t width = shape[-1];
            const Tensor x = random_tensor(test.context, shape, dtype, 1, 2.0f);
            const Tensor table = random_tensor(test.context, {shape[0], 6, width}, DType::Float32, 2);
            const Tensor shift = table.select(1, 1);
            const Tensor scale = table.select(1, 4);
            std::vector<double> want = normalised(x);
            const std::vector<double> shifts = to_doubles(shift);
            const std::vector<double> scales = to_doubles(scale);
            const size_t batch = want.size() / static_cast<size_t>(shape[0]);
            for (size_t i = 0; i < want.size(); ++i) {
                const size_t at = i / batch * static_cast<size_t>(width) + i % static_cast<size_t>(width);
                want[i] = want[i] * (1.0 + scales[at]) + shifts[at];
            }
            const auto eps = static_cast<float>(kEps);
            expect_close(norm_modulate(test.context, x, shift, scale, eps), want, norm_tolerance(dtype));
            expect_close(norm_modulate(test.context, x, {}, {}, eps), normalised(x), norm_tolerance(dtype));
        }
    }
}

TEST(LayerNorm, EqualsTheTwinWithAndWithoutBias) {
    TestContext test;
    for (const DType dtype : kBoth) {
        for (const Shape& shape : kShapes) {
            const Tensor x = random_tensor(test.context, shape, dtype, 1, 2.0f);
            const Tensor weight = random_tensor(test.context, {shape[-1]}, dtype, 2);
            const Tensor bias = random_tensor(test.context, {shape[-1]}, dtype, 3);
            std::vector<double> plain = normalised(x);
            std::vector<double> moved = plain;
            for (size_t i = 0; i < plain.size(); ++i) {
                const size_t at = i % static_cast<size_t>(shape[-1]);
                plain[i] *= to_doubles(weight)[at];
                moved[i] = plain[i] + to_doubles(bias)[at];
            }
            const auto eps = static_cast<float>(kEps);
            expect_close(layer_norm(test.context, x, weight, bias, eps), moved, norm_tolerance(dtype));
            expect_close(layer_norm(test.context, x, weight, {}, eps), plain, norm_tolerance(dtype));
        }
    }
}

TEST(LayerNorm, ChangesHeadsOfPackedProjectionsInPlace) {
    TestContext test;
    for (const DType dtype : kBoth) {
        // [B, S, 3 C] with heads of 7: the norm touches the keys only.
        Tensor packed = random_tensor(test.context, {2, 5, 3 * 14}, dtype, 1, 2.0f);
        const Tensor before = contiguous(test.context, packed.slice(-1, 0, 14));
        Tensor keys = packed.slice(-1, 14, 28).split(-1, 2);  // [B, S, H, D]
        const Tensor weight = random_tensor(test.context, {7}, DType::Float32, 2);
        const Tensor bias = random_tensor(test.context, {7}, DType::Float32, 3);
        const Tensor want = layer_norm(test.context, contiguous(test.context, keys), weight, bias, 1e-6f);
        layer_norm_in_place(test.context, keys, weight, bias, 1e-6f);
        EXPECT_TRUE(same_bits(contiguous(test.context, keys), want));
        EXPECT_TRUE(same_bits(contiguous(test.context, packed.slice(-1, 0, 14)), before));
    }
}

TEST(LayerNorm, ModulatedEqualsTheTwin) {
    TestContext test;
    for (const DType dtype : kBoth) {
        for (const Shape& shape : kShapes) {
            const int64_t width = shape[-1];
            const Tensor x = random_tensor(test.context, shape, dtype, 1, 2.0f);
            const Tensor weight = random_tensor(test.context, {width}, DType::Float32, 2);
            const Tensor bias = random_tensor(test.context, {width}, DType::Float32, 3);
            const Tensor table = random_tensor(test.context, {shape[0], 2 * width}, dtype, 4);
            const Tensor shift = table.slice(1, 0, width), scale = table.slice(1, width, 2 * width);
            std::vector<double> want = normalised(x);
            const std::vector<double> w = to_doubles(weight), b = to_doubles(bias);
            const std::vector<double> shifts = to_doubles(shift), scales = to_doubles(scale);
            const size_t batch = want.size() / static_cast<size_t>(shape[0]);
            for (size_t i = 0; i < want.size(); ++i) {
                const size_t channel = i % static_cast<size_t>(width);
                const size_t at = i / batch * static_cast<size_t>(width) + channel;
                want[i] = (want[i] * w[channel] + b[channel]) * (1.0 + scales[at]) + shifts[at];
            }
            const NormWeights norm = {weight, bias, static_cast<float>(kEps)};
            expect_close(layer_norm_modulate(test.context, x, norm, shift, scale), want, norm_tolerance(dtype));
        }
    }
}

std::vector<RowNorm> all_norms(const Context& context, int64_t batch, int64_t width) {
    const Tensor weight = random_tensor(context, {width}, DType::Float32, 2);
    const Tensor bias = random_tensor(context, {width}, DType::Float32, 3);
    const Tensor shift = random_tensor(context, {batch, width}, DType::Float32, 4);
    const Tensor scale = random_tensor(context, {batch, width}, DType::Float32, 5);
    return {{{}, {}, {}, {}, 1e-6f},
            {{}, {}, shift, scale, 1e-6f},
            {weight, {}, {}, {}, 1e-5f},
            {weight, bias, {}, {}, 1e-5f},
            {weight, bias, shift, scale, 1e-5f}};
}

TEST(GateResidualNorm, EqualsTheSumAndThenTheNorm) {
    TestContext test;
    for (const DType dtype : kBoth) {
        const Tensor x = random_tensor(test.context, {2, 3, 4, 40}, dtype, 1, 2.0f);
        const Tensor y = random_tensor(test.context, {2, 3, 4, 40}, dtype, 6);
        for (const Tensor& gate : {Tensor(), random_tensor(test.context, {2, 40}, DType::Float32, 7)}) {
            for (const RowNorm& norm : all_norms(test.context, 2, 40)) {
                const Tensor sum = gate_residual(test.context, x, gate, y);
                const SumAndNorm both = gate_residual_norm(test.context, x, gate, y, norm);
                EXPECT_TRUE(same_bits(both.sum, sum));
                EXPECT_TRUE(same_bits(both.normed, row_norm(test.context, sum, norm)));
            }
        }
    }
}

TEST(GateResidualNorm, SumsOverWhatWasHandedOver) {
    TestContext test;
    Tensor x = random_tensor(test.context, {1, 2, 8}, DType::Float32, 1);
    const Tensor y = random_tensor(test.context, {1, 2, 8}, DType::Float32, 2);
    const float* memory = x.data<float>();
    const SumAndNorm both = gate_residual_norm(test.context, std::move(x), {}, y, {});
    EXPECT_EQ(both.sum.data<float>(), memory);
}

TEST(GateResidualNorm, NamesWhatDoesNotFit) {
    TestContext test;
    const Tensor x = random_tensor(test.context, {2, 3, 8}, DType::Float32, 1);
    const Tensor shorter = random_tensor(test.context, {2, 3, 4}, DType::Float32, 2);
    const Tensor row = random_tensor(test.context, {8}, DType::Float32, 3);
    const Tensor other = random_tensor(test.context, {2, 3, 8}, DType::BFloat16, 4);
    EXPECT_THROW(gate_residual_norm(test.context, x, {}, shorter, {}), Error);
    EXPECT_THROW(gate_residual_norm(test.context, x, {}, other, {}), Error);
    EXPECT_THROW(row_norm(test.context, x, {.bias = row}), Error);
    EXPECT_THROW(gate_residual_norm(test.context, x, {}, x, {.bias = row}), Error);
    EXPECT_THROW(gate_residual_norm(test.context, x, row, x, {}), Error);
    EXPECT_THROW(
        gate_residual_norm(test.context, x, {}, x, {.scale = random_tensor(test.context, {2, 8}, DType::Float32, 5)}),
        Error);
}

TEST(LayerNorm, KeepsItsDigitsUnderALargeMean) {
    TestContext test;
    std::vector<double> values;
    for (int i = 0; i < 100; ++i) values.push_back(4096.0 + i % 7);
    const Tensor x = from_doubles(test.context, {1, 100}, DType::Float32, values);
    const Tensor weight = from_doubles(test.context, {100}, DType::Float32, std::vector<double>(100, 1.0));
    // The mean is known to 2^-12 * 2^-24 * 4096: 2e-4 of a standard deviation of 2.
    expect_close(layer_norm(test.context, x, weight, {}, 1e-6f), normalised(x), {1e-4, 2e-4});
}

TEST(RmsNorm, EqualsTheTwin) {
    TestContext test;
    for (const DType dtype : kBoth) {
        for (const Shape& shape : kShapes) {
            const Tensor x = random_tensor(test.context, shape, dtype, 1, 2.0f);
            const Tensor weight = random_tensor(test.context, {shape[-1]}, dtype, 2);
            const std::vector<double> values = to_doubles(x);
            const auto width = static_cast<size_t>(shape[-1]);
            std::vector<double> want(values.size());
            for (size_t row = 0; row < values.size() / width; ++row) {
                double squares = 0.0;
                for (const size_t i : row_indices(row, width)) squares += values[i] * values[i];
                const double rms = std::sqrt(squares / static_cast<double>(width) + kEps);
                for (const size_t i : row_indices(row, width))
                    want[i] = values[i] / rms * to_doubles(weight)[i % width];
            }
            expect_close(rms_norm(test.context, x, weight, static_cast<float>(kEps)), want, norm_tolerance(dtype));
        }
    }
}

TEST(RmsNorm, GivesTheSameBitsInPlaceOnHeadsOfAPackedProjection) {
    TestContext test;
    for (const DType dtype : kBoth) {
        Tensor packed = random_tensor(test.context, {2, 3, 5, 36}, dtype, 1);
        const Tensor weight = random_tensor(test.context, {6}, dtype, 2);
        Tensor keys = packed.slice(-1, 12, 24).split(3, 2);  // [2, 3, 5, 2, 6]
        const Tensor want = rms_norm(test.context, contiguous(test.context, keys), weight, 1e-6f);
        const Tensor queries = contiguous(test.context, packed.slice(-1, 0, 12));
        rms_norm_in_place(test.context, keys, weight, 1e-6f);
        EXPECT_TRUE(same_bits(contiguous(test.context, keys), want));
        EXPECT_TRUE(same_bits(contiguous(test.context, packed.slice(-1, 0, 12)), queries));
    }
}

/// Two ranks that have some channels each, and tell one another their sums.
TEST(RmsNorm, OfPartsIsThatOfWholeRows) {
    TestContext test;
    for (const DType dtype : kBoth) {
        const Tensor x = random_tensor(test.context, {2, 3, 20}, dtype, 1);
        const Tensor weight = random_tensor(test.context, {20}, DType::Float32, 2);
        const std::vector<double> whole = to_doubles(rms_norm(test.context, x, weight, 1e-6f));
        const std::pair<int64_t, int64_t> ranges[] = {{0, 13}, {13, 20}};
        Tensor squares = Tensor::zeros(test.context, {2, 3, 1}, DType::Float32);
        for (const auto& [begin, end] : ranges)
            squares = add(test.context, squares, sums_of_squares(test.context, x.slice(-1, begin, end)));
        for (const auto& [begin, end] : ranges) {
            Tensor part = contiguous(test.context, x.slice(-1, begin, end));
            rms_norm_in_place(test.context, part, weight.slice(0, begin, end), 1e-6f, {squares, 20});
            std::vector<double> want;
            for (int64_t row = 0; row < 6; ++row)
                want.insert(want.end(), whole.begin() + row * 20 + begin, whole.begin() + row * 20 + end);
            expect_close(part, want, norm_tolerance(dtype));
        }
    }
}

TEST(RmsNorm, RefusesSumsOfOtherRows) {
    TestContext test;
    Tensor x = random_tensor(test.context, {2, 3, 4}, DType::Float32, 1);
    const Tensor weight = random_tensor(test.context, {4}, DType::Float32, 2);
    const Tensor squares = Tensor::zeros(test.context, {3, 2, 1}, DType::Float32);
    EXPECT_THROW(rms_norm_in_place(test.context, x, weight, 1e-6f, {squares, 8}), Error);
    EXPECT_THROW(rms_norm_in_place(test.context, x, weight, 1e-6f, {squares.transpose(0, 1), 3}), Error);
}

struct GroupTwin {
    size_t pictures, positions, channels, groups;

    std::vector<double> operator()(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
        const std::vector<double> values = to_doubles(x);
        const std::vector<double> weights = to_doubles(weight);
        const std::vector<double> biases = to_doubles(bias);
        std::vector<double> out(values.size());
        for (size_t task = 0; task < pictures * groups; ++task) {
            const std::vector<size_t> indices = group_indices(task / groups, task % groups);
            const Moments moments = moments_of(values, indices);
            for (const size_t i : indices) {
                const double v = (values[i] - moments.mean) / std::sqrt(moments.variance + kEps);
                out[i] = v * weights[i % channels] + biases[i % channels];
            }
        }
        return out;
    }

    std::vector<size_t> group_indices(size_t picture, size_t group) const {
        std::vector<size_t> indices;
        const size_t width = channels / groups;
        for (size_t position = 0; position < positions; ++position)
            for (size_t channel = 0; channel < width; ++channel)
                indices.push_back((picture * positions + position) * channels + group * width + channel);
        return indices;
    }
};

TEST(GroupNorm, EqualsTheTwinWithAndWithoutSilu) {
    TestContext test;
    for (const DType dtype : kBoth) {
        for (const auto& [shape, groups] : std::vector<std::pair<Shape, int64_t>>{
                 {{2, 5, 6, 32}, 8}, {{1, 40, 50, 64}, 32}, {{3, 1, 6}, 2}, {{1, 7, 7, 12}, 1}, {{2, 4, 10}, 10}}) {
            SCOPED_TRACE(to_string(shape));
            const int64_t channels = shape[-1];
            // A mean far from zero, as after an attention block of a decoder.
            Tensor x = random_tensor(test.context, shape, dtype, 1, 2.0f);
            const Tensor weight = random_tensor(test.context, {channels}, dtype, 2);
            const Tensor bias = random_tensor(test.context, {channels}, dtype, 3);
            const auto positions = static_cast<size_t>(x.elements() / shape[0] / channels);
            const GroupTwin twin = {static_cast<size_t>(shape[0]), positions, static_cast<size_t>(channels),
                                    static_cast<size_t>(groups)};
            std::vector<double> want = twin(x, weight, bias);
            const auto eps = static_cast<float>(kEps);
            expect_close(group_norm(test.context, x, weight, bias, groups, eps), want, norm_tolerance(dtype));
            for (double& v : want) v = v / (1.0 + std::exp(-v));
            expect_close(group_norm(test.context, x, weight, bias, groups, eps, Activation::Silu), want,
                         norm_tolerance(dtype));
        }
    }
}

TEST(GroupNorm, GivesAPictureTheSameBitsWhateverStandsBesideItAndHoweverManyThreadsRun) {
    TestContext one(1);
    TestContext three(3);
    const Tensor x = random_tensor(one.context, {3, 30, 40, 64}, DType::Float32, 1);
    const Tensor weight = random_tensor(one.context, {64}, DType::Float32, 2);
    const Tensor all = group_norm(three.context, x, weight, weight, 8, 1e-6f, Activation::Silu);
    const Tensor second = group_norm(one.context, x.slice(0, 1, 2), weight, weight, 8, 1e-6f, Activation::Silu);
    EXPECT_TRUE(same_bits(second, all.slice(0, 1, 2)));
}

TEST(NormThreads, GiveTheSameBitsForAnyThreadCount) {
    TestContext one(1);
    TestContext three(3);
    const Tensor x = random_tensor(one.context, {2, 300, 144}, DType::Float32, 1);
    EXPECT_TRUE(
        same_bits(norm_modulate(one.context, x, {}, {}, 1e-6f), norm_modulate(three.context, x, {}, {}, 1e-6f)));
}

TEST(NormErrors, NameTheArgument) {
    TestContext test;
    const Tensor x = random_tensor(test.context, {2, 3, 8}, DType::Float32, 1);
    const Tensor weight = random_tensor(test.context, {9}, DType::Float32, 2);
    try {
        layer_norm(test.context, x, weight, {}, 1e-6f);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "layer_norm: weight has shape [9], expected [8]");
    }
    EXPECT_THROW(group_norm(test.context, x, weight.slice(0, 0, 8), weight.slice(0, 0, 8), 3, 1e-6f), Error);
    EXPECT_THROW(norm_modulate(test.context, x, {}, random_tensor(test.context, {2, 8}, DType::Float32, 3), 1e-6f),
                 Error);
}

}  // namespace
}  // namespace kine::kernels
