#include "kernels/conv/conv.h"

#include "kernels/move/move.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

namespace kine::kernels {
namespace {

constexpr DType kBoth[] = {DType::Float32, DType::BFloat16};

struct Case {
    Shape x;       // [N, Y, X, Ci]
    Shape weight;  // [Co, Ci, Ky, Kx]
    ConvGeometry geometry;
};

int64_t steps(int64_t size, int64_t window, const ConvGeometry& g) {
    return (size + g.pad_begin + g.pad_end - window) / g.stride + 1;
}

// One output value by the definition.
double pixel(const Case& c, const std::vector<double>& x, const std::vector<double>& w, std::array<int64_t, 4> at) {
    const auto [n, oy, ox, co] = at;
    double sum = 0.0;
    for (int64_t ky = 0; ky < c.weight[2]; ++ky) {
        for (int64_t kx = 0; kx < c.weight[3]; ++kx) {
            const int64_t y = oy * c.geometry.stride - c.geometry.pad_begin + ky;
            const int64_t column = ox * c.geometry.stride - c.geometry.pad_begin + kx;
            if (y < 0 || y >= c.x[1] || column < 0 || column >= c.x[2]) continue;
            for (int64_t ci = 0; ci < c.x[3]; ++ci) {
                const int64_t from = ((n * c.x[1] + y) * c.x[2] + column) * c.x[3] + ci;
                const int64_t tap = ((co * c.x[3] + ci) * c.weight[2] + ky) * c.weight[3] + kx;
                sum += x[static_cast<size_t>(from)] * w[static_cast<size_t>(tap)];
            }
        }
    }
    return sum;
}

std::vector<double> twin(const Case& c, const Tensor& x, const Tensor& weight, const Tensor& bias) {
    const std::vector<double> xs = to_doubles(x);
    const std::vector<double> ws = to_doubles(weight);
    const std::vector<double> bs = to_doubles(bias);
    std::vector<double> out;
    for (int64_t n = 0; n < c.x[0]; ++n)
        for (int64_t y = 0; y < steps(c.x[1], c.weight[2], c.geometry); ++y)
            for (int64_t column = 0; column < steps(c.x[2], c.weight[3], c.geometry); ++column)
                for (int64_t co = 0; co < c.weight[0]; ++co)
                    out.push_back(bs[static_cast<size_t>(co)] + pixel(c, xs, ws, {n, y, column, co}));
    return out;
}

const Case kCases[] = {
    {{1, 1, 1, 1}, {1, 1, 1, 1}, {}},
    {{2, 5, 7, 3}, {4, 3, 3, 3}, {1, 1, 1}},
    {{1, 9, 6, 16}, {5, 16, 3, 3}, {1, 1, 1}},
    {{1, 8, 9, 12}, {20, 12, 3, 3}, {2, 0, 1}},  // the decoder's strided convolution pads below and right only
    {{2, 8, 8, 4}, {24, 4, 2, 2}, {2, 0, 0}},    // patch embedding
    {{1, 6, 5, 40}, {33, 40, 1, 1}, {1, 0, 0}},
    {{1, 2, 2, 2}, {3, 2, 5, 5}, {1, 2, 2}},  // the window is larger than the picture
    {{1, 12, 11, 64}, {17, 64, 3, 3}, {1, 1, 1}},
};

TEST(Conv, EqualsTheTwin) {
    TestContext test;
    for (const DType dtype : kBoth) {
        for (const Case& c : kCases) {
            SCOPED_TRACE(fmt::format("{} {} {}", name_of(dtype), to_string(c.x), to_string(c.weight)));
            const Tensor x = random_tensor(test.context, c.x, dtype, 1);
            const Tensor weight = random_tensor(test.context, c.weight, dtype, 2);
            const Tensor bias = random_tensor(test.context, {c.weight[0]}, dtype, 3);
            const Tensor got = conv2d(test.context, x, ConvWeight(test.context, weight, bias, c.geometry));
            const int64_t terms = weight.elements() / weight.dim(0);
            expect_close(got, twin(c, x, weight, bias), sum_tolerance(dtype, terms));
        }
    }
}

/// In bf16 the sum is rounded once, which a sum of two rounded ones would not be.
TEST(Conv, AddsAResidualBeforeItRounds) {
    const TestContext test;
    for (const DType dtype : kBoth) {
        for (const Case& c : kCases) {
            const Tensor x = random_tensor(test.context, c.x, dtype, 1);
            const Tensor weight = random_tensor(test.context, c.weight, dtype, 2, 0.2f);
            const Tensor bias = random_tensor(test.context, {c.weight[0]}, dtype, 3);
            const ConvWeight packed(test.context, weight, bias, c.geometry);
            const Shape shape = conv2d(test.context, x, packed).shape();
            const Tensor residual = random_tensor(test.context, shape, dtype, 4, 3.0f);
            std::vector<double> want = twin(c, x, weight, bias);
            const std::vector<double> added = to_doubles(residual);
            for (size_t i = 0; i < want.size(); ++i) want[i] += added[i];
            const Tolerance once = dtype == DType::Float32 ? Tolerance{1e-5, 1e-5} : Tolerance{1.01 / 256, 2e-5};
            expect_close(conv2d(test.context, x, packed, residual), want, once);
            EXPECT_THROW(conv2d(test.context, x, packed, Tensor::zeros(test.context, {1}, dtype)), Error);
        }
    }
}

TEST(Conv, GivesAPictureTheSameBitsWhateverStandsBesideItAndHoweverManyThreadsRun) {
    TestContext one(1);
    TestContext three(3);
    const Tensor x = random_tensor(one.context, {3, 13, 21, 24}, DType::Float32, 1);
    const Tensor weight = random_tensor(one.context, {30, 24, 3, 3}, DType::Float32, 2);
    const ConvWeight packed(one.context, weight, {}, {1, 1, 1});
    const Tensor all = conv2d(three.context, x, packed);
    for (int64_t n = 0; n < 3; ++n)
        EXPECT_TRUE(same_bits(conv2d(one.context, x.slice(0, n, n + 1), packed), all.slice(0, n, n + 1)));
}

TEST(Conv, GivesAPixelTheSameBitsInACropThatHoldsItsWindow) {
    TestContext test;
    const Tensor x = random_tensor(test.context, {1, 16, 9, 8}, DType::Float32, 1);
    const ConvWeight packed(test.context, random_tensor(test.context, {7, 8, 3, 3}, DType::Float32, 2), {}, {1, 0, 0});
    const Tensor whole = conv2d(test.context, x, packed);  // [1, 14, 7, 7]
    EXPECT_TRUE(same_bits(conv2d(test.context, x.slice(1, 5, 12), packed), whole.slice(1, 5, 10)));
}

/// A convolution over frames is a sum of convolutions over pictures, one for each frame that the window spans.
std::vector<double> clip_twin(const Case& c, const Tensor& x, const Tensor& weight, int64_t front) {
    const int64_t depth = weight.dim(2), frames = x.dim(0) + front - depth + 1;
    const Case picture = {
        {1, c.x[1], c.x[2], c.x[3]}, {c.weight[0], c.weight[1], weight.dim(3), weight.dim(4)}, c.geometry};
    TestContext test;
    const Tensor none = Tensor::zeros(test.context, {c.weight[0]}, DType::Float32);
    std::vector<double> out;
    for (int64_t frame = 0; frame < frames; ++frame) {
        std::vector<double> sum;
        for (int64_t tap = 0; tap < depth; ++tap) {
            const int64_t from = frame + tap - front;
            if (from < 0) continue;
            const std::vector<double> part = twin(picture, contiguous(test.context, x.slice(0, from, from + 1)),
                                                  contiguous(test.context, weight.select(2, tap)), none);
            sum.resize(part.size());
            for (size_t i = 0; i < part.size(); ++i) sum[i] += part[i];
        }
        out.insert(out.end(), sum.begin(), sum.end());
    }
    return out;
}

TEST(Conv3d, EqualsTheTwinWithAndWithoutFramesInFront) {
    TestContext test;
    const Case cases[] = {{{4, 5, 6, 3}, {4, 3, 3, 3}, {1, 1, 1}}, {{3, 4, 7, 12}, {9, 12, 3, 3}, {1, 0, 0}}};
    for (const DType dtype : kBoth) {
        for (const Case& c : cases) {
            for (const int64_t front : {0, 2}) {
                ConvGeometry geometry = c.geometry;
                geometry.pad_front = front;
                const Tensor x = random_tensor(test.context, c.x, dtype, 1);
                const Tensor weight = random_tensor(test.context, {c.weight[0], c.weight[1], 3, 3, 3}, dtype, 2);
                const Tensor got = conv3d(test.context, x, ConvWeight(test.context, weight, {}, geometry));
                EXPECT_EQ(got.dim(0), c.x[0] + front - 2);
                expect_close(got, clip_twin(c, x, weight, front), sum_tolerance(dtype, 27 * c.weight[1]));
            }
        }
    }
}

TEST(Conv3d, GivesAFrameTheSameBitsWhetherThoseBeforeItAreConvolvedOrKept) {
    TestContext test;
    const Tensor x = random_tensor(test.context, {6, 5, 4, 8}, DType::Float32, 1);
    const Tensor weight = random_tensor(test.context, {7, 8, 3, 3, 3}, DType::Float32, 2);
    const Tensor whole = conv3d(test.context, x, ConvWeight(test.context, weight, {}, {1, 1, 1, 2}));
    const Tensor later = conv3d(test.context, x.slice(0, 2, 6), ConvWeight(test.context, weight, {}, {1, 1, 1, 0}));
    EXPECT_TRUE(same_bits(later, whole.slice(0, 4, 6)));
}

TEST(Conv, KnowsItsChannels) {
    TestContext test;
    const ConvWeight packed(test.context, random_tensor(test.context, {7, 5, 3, 3}, DType::Float32, 2), {}, {});
    EXPECT_EQ(packed.in_channels(), 5);
    EXPECT_EQ(packed.out_channels(), 7);
    EXPECT_FALSE(ConvWeight());
}

TEST(Conv, RefusesAPictureOfOtherChannelsOrSmallerThanItsWindow) {
    TestContext test;
    const ConvWeight packed(test.context, random_tensor(test.context, {7, 5, 3, 3}, DType::Float32, 2), {}, {});
    EXPECT_THROW(conv2d(test.context, random_tensor(test.context, {1, 4, 4, 6}, DType::Float32, 1), packed), Error);
    try {
        conv2d(test.context, random_tensor(test.context, {1, 2, 4, 5}, DType::Float32, 1), packed);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "conv2d: x has shape [1, 2, 4, 5], expected at least one window of 1 x 3 x 3");
    }
}

}  // namespace
}  // namespace kine::kernels
