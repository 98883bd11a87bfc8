// Channels for pixels and back, against the formula written out.
#include "kernels/resample/fold.h"
#include "tests/support/random.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

namespace kine::kernels {
namespace {

float at(const Tensor& x, int64_t f, int64_t y, int64_t column, int64_t c) {
    return x.data<float>()[((f * x.dim(1) + y) * x.dim(2) + column) * x.dim(3) + c];
}

TEST(Fold, UnfoldsChannelsIntoCellsAndRepeatsThem) {
    TestContext bundle;
    const Tensor x = random_tensor(bundle.context, {2, 3, 4, 6}, DType::Float32, 1);
    const Tensor out = unfold_channels(bundle.context, x, {.frames = 2, .side = 2}, 3);
    ASSERT_EQ(out.shape(), Shape({4, 6, 8, 3}));
    for (int64_t f = 0; f < 4; ++f)
        for (int64_t y = 0; y < 6; ++y)
            for (int64_t column = 0; column < 8; ++column)
                for (int64_t c = 0; c < 3; ++c) {
                    const int64_t number = ((c * 2 + f % 2) * 2 + y % 2) * 2 + column % 2;
                    ASSERT_EQ(at(out, f, y, column, c), at(x, f / 2, y / 2, column / 2, number / 4));
                }
}

TEST(Fold, FoldsCellsIntoMeansWithZeroFramesInFront) {
    TestContext bundle;
    const Tensor x = random_tensor(bundle.context, {3, 4, 2, 2}, DType::Float32, 2);
    const Tensor out = fold_means(bundle.context, x, {.frames = 2, .side = 2}, 4);  // 2 * 8 values for 4 channels
    ASSERT_EQ(out.shape(), Shape({2, 2, 1, 4}));
    for (int64_t f = 0; f < 2; ++f)
        for (int64_t y = 0; y < 2; ++y)
            for (int64_t c = 0; c < 4; ++c) {
                double sum = 0;
                for (int64_t i = 0; i < 4; ++i) {
                    const int64_t number = c * 4 + i, place = number % 8, frame = 2 * f - 1 + place / 4;
                    if (frame >= 0) sum += at(x, frame, 2 * y + place / 2 % 2, place % 2, number / 8);
                }
                EXPECT_NEAR(at(out, f, y, 0, c), sum / 4, 1e-6);
            }
}

TEST(Fold, RefusesChannelsThatDoNotDivide) {
    TestContext bundle;
    const Tensor x = Tensor::zeros(bundle.context, {1, 2, 2, 5}, DType::Float32);
    EXPECT_THROW(unfold_channels(bundle.context, x, {.frames = 1, .side = 2}, 3), Error);
    EXPECT_THROW(fold_means(bundle.context, x, {.frames = 1, .side = 2}, 3), Error);
}

}  // namespace
}  // namespace kine::kernels
