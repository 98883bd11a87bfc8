// Pictures for encoders on an emulated grid, against a twin in double.
#include "kernels/color/yuv420.cuh"

#include "kernels/color/yuv420_cuda.h"
#include "runtime/config.h"
#include "tests/kernels/yuv420_twin.h"
#include "tests/support/cuda/kernel_test.h"

#include <gtest/gtest.h>

namespace kine::kernels::cuda {
namespace {

class Yuv420Kernel : public KernelTest {
  protected:
    void expect_equals_twin(const Tensor& clip) {
        const auto height = static_cast<int>(clip.dim(1)), width = static_cast<int>(clip.dim(2));
        const int64_t size = yuv420_bytes(height, width);
        Tensor frames = Tensor::empty(context, {clip.dim(0), size}, DType::UInt8);
        clip.dtype() == DType::Float32 ? convert<float>(clip, frames) : convert<BFloat16>(clip, frames);
        for (int64_t frame = 0; frame < clip.dim(0); ++frame) {
            const std::vector<double> want = YuvTwin(clip, frame).planes();
            ASSERT_EQ(static_cast<int64_t>(want.size()), size);
            const auto* got = reinterpret_cast<const uint8_t*>(frames.raw()) + frame * size;
            for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], kYuvTolerance) << "byte " << i;
        }
    }

  private:
    template <class T>
    void convert(const Tensor& clip, Tensor& frames) {
        Yuv420Arguments<T> picture;
        picture.rgb = clip.data<T>();
        picture.frames = reinterpret_cast<uint8_t*>(frames.raw());
        picture.count = clip.dim(0);
        picture.height = static_cast<int>(clip.dim(1));
        picture.width = static_cast<int>(clip.dim(2));
        if constexpr (kHasCuda) {
            if (is_on_gpu()) return run_on_gpu([&](Stream stream) { launch_yuv420(picture, stream); });
        }
        emulation::run_grid(yuv420_launch(picture.count, picture.height, picture.width),
                            [&](std::byte*) { yuv420_block(picture); });
    }
};

INSTANTIATE_TEST_SUITE_P(Places, Yuv420Kernel, kPlaces, name_of_place);

TEST_P(Yuv420Kernel, EqualsTheTwinForOddSizes) {
    for (const Shape& shape : {Shape{2, 16, 24, 3}, Shape{1, 5, 7, 3}, Shape{1, 1, 1, 3}}) {
        expect_equals_twin(random_tensor(context, shape, DType::Float32, 1, 0.7f));
        expect_equals_twin(random_tensor(context, shape, DType::BFloat16, 2, 0.7f));
    }
}

TEST_P(Yuv420Kernel, GivesTheLevelsOfTheStandardForPureColours) {
    const float colours[] = {0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1};
    const int levels[4][3] = {{16, 128, 128}, {235, 128, 128}, {63, 102, 240}, {32, 240, 118}};
    for (int64_t i = 0; i < 4; ++i) {
        const Tensor clip =
            Tensor::of<float>(context, {1, 1, 1, 3}, std::span(colours).subspan(static_cast<size_t>(3 * i), 3));
        const std::vector<double> want = YuvTwin(clip, 0).planes();
        for (size_t part = 0; part < 3; ++part) EXPECT_EQ(std::lround(want[part]), levels[i][part]);
        expect_equals_twin(clip);
    }
}

TEST(Yuv420Launch, HasAThreadForEachChromaSample) {
    EXPECT_EQ(yuv420_bytes(480, 832), 480 * 832 * 3 / 2);
    EXPECT_EQ(yuv420_bytes(5, 7), 35 + 2 * 3 * 4);
    EXPECT_EQ(yuv420_launch(3, 480, 832), (Launch{780, 3, 128, 0}));
}

TEST(ChromaWeights, AddUpToOneAndLeaveOutOnlyZeros) {
    double rows = 0, columns = 0;
    for (int down = kFirstRow; down <= kLastRow; ++down) rows += double{chroma_weight(static_cast<float>(down) - 0.5f)};
    for (int i = 0; i < kChromaColumns; ++i) columns += double{chroma_weight(static_cast<float>(chroma_column(i)))};
    EXPECT_NEAR(rows, 1.0, 1e-6);
    EXPECT_NEAR(columns, 1.0, 1e-6);
    for (const float left_out : {-4.5f, -4.0f, -2.0f, 2.0f, 4.0f, 4.5f})
        EXPECT_NEAR(chroma_weight(left_out), 0.0f, 1e-6f);
}

}  // namespace
}  // namespace kine::kernels::cuda
