// Decoded pictures as frames.
#include "kernels/color/color.h"
#include "kernels/elementwise/elementwise.h"
#include "tests/kernels/yuv420_twin.h"
#include "tests/runtime/errors.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <limits>

namespace kine::kernels {

namespace {

const Shape kSizes[] = {{2, 16, 24, 3}, {3, 9, 31, 3}, {1, 10, 33, 3}, {1, 1, 5, 3}, {2, 3, 1, 3}};

}  // namespace

TEST(ToFrames, MakesYuv420pWithinARoundingOfTheTwin) {
    TestContext test(3);
    for (const DType dtype : {DType::Float32, DType::BFloat16}) {
        for (const Shape& size : kSizes) {
            const Tensor clip = random_tensor(test.context, size, dtype, 5, 0.7f);
            const Tensor frames = to_frames(test.context, clip, PixelFormat::Yuv420p);
            for (int64_t frame = 0; frame < size[0]; ++frame) {
                const std::vector<double> want = YuvTwin(clip, frame).planes();
                ASSERT_EQ(frames.shape(), (Shape{size[0], static_cast<int64_t>(want.size())}));
                const std::vector<double> got = to_doubles(frames.select(0, frame));
                for (size_t i = 0; i < want.size(); ++i)
                    ASSERT_NEAR(got[i], want[i], kYuvTolerance) << to_string(size) << ", byte " << i;
            }
        }
    }
}

TEST(ToFrames, GivesTheSameBytesWithAnyNumberOfThreads) {
    TestContext one(1);
    const Tensor clip = random_tensor(one.context, {3, 45, 50, 3}, DType::Float32, 7, 0.7f);
    const Tensor alone = to_frames(one.context, clip, PixelFormat::Yuv420p);
    for (const int threads : {2, 5, 16}) {
        TestContext several(threads);
        EXPECT_TRUE(same_bits(to_frames(several.context, clip, PixelFormat::Yuv420p), alone)) << threads;
    }
}

TEST(ToFrames, TakesWhatIsNoNumberOrOutsideForTheNearestColour) {
    TestContext test;
    const float infinite = std::numeric_limits<float>::infinity();
    const float wild[] = {std::numeric_limits<float>::quiet_NaN(), -3.0f, infinite};
    const float tame[] = {0.0f, 0.0f, 1.0f};
    for (const PixelFormat format : {PixelFormat::Rgb24, PixelFormat::Yuv420p})
        EXPECT_TRUE(same_bits(to_frames(test.context, Tensor::of<float>(test.context, {1, 1, 1, 3}, wild), format),
                              to_frames(test.context, Tensor::of<float>(test.context, {1, 1, 1, 3}, tame), format)));
}

TEST(ToFrames, KeepsTheLevelsOfRgb24) {
    TestContext test;
    const Tensor clip = random_tensor(test.context, {2, 5, 7, 3}, DType::Float32, 9, 0.7f);
    const Tensor frames = to_frames(test.context, clip, PixelFormat::Rgb24);
    EXPECT_TRUE(same_bits(frames, quantize_rgb(test.context, clip).reshape({2, 5 * 7 * 3})));
}

TEST(ToFrames, HasNothingToDoForNoPictures) {
    TestContext test;
    const Tensor none = Tensor::empty(test.context, {0, 4, 6, 3}, DType::Float32);
    EXPECT_EQ(to_frames(test.context, none, PixelFormat::Yuv420p).shape(), (Shape{0, 36}));
}

TEST(ToFrames, SaysWhatItWasGiven) {
    TestContext test;
    const auto make = [&](const Shape& shape, DType dtype, PixelFormat format) {
        to_frames(test.context, Tensor::zeros(test.context, shape, dtype), format);
    };
    expect_error(ErrorCode::Bug, "to_frames: yuv444p frames, expected rgb24 or yuv420p", [&] {
        make({1, 2, 2, 3}, DType::Float32, PixelFormat::Yuv444p);
    });
    expect_error(ErrorCode::Bug, "to_frames: pictures has shape [1, 2, 2, 4], expected a last axis of 3", [&] {
        make({1, 2, 2, 4}, DType::Float32, PixelFormat::Yuv420p);
    });
    expect_error(ErrorCode::Bug, "to_frames: pictures is u8, expected f32, bf16 or f16", [&] {
        make({1, 2, 2, 3}, DType::UInt8, PixelFormat::Yuv420p);
    });
}

}  // namespace kine::kernels
