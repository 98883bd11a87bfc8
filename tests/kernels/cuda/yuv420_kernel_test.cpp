// Pictures for encoders on an emulated grid, against a twin in double.
#include "kernels/color/yuv420.cuh"

#include "kernels/color/yuv420_cuda.h"
#include "runtime/config.h"
#include "tests/support/cuda/kernel_test.h"
#include "tests/support/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace kine::kernels::cuda {
namespace {

using Triple = std::array<double, 3>;

Triple to_yuv(const Triple& rgb) {
    const double luma = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
    return {16 + 219 * luma, 128 + 224 * (rgb[2] - luma) / 1.8556, 128 + 224 * (rgb[0] - luma) / 1.5748};
}

/// One picture of a clip [F, Y, X, 3], clamped.
class Picture {
  public:
    Picture(const Tensor& clip, int64_t frame)
        : height_(static_cast<int>(clip.dim(1))),
          width_(static_cast<int>(clip.dim(2))),
          values_(to_doubles(clip.select(0, frame))) {}

    Triple at(int y, int x) const {
        y = std::min(y, height_ - 1);
        x = std::clamp(x, 0, width_ - 1);
        Triple rgb;
        for (size_t c = 0; c < 3; ++c)
            rgb[c] = std::clamp(values_[static_cast<size_t>(y * width_ + x) * 3 + c], 0.0, 1.0);
        return rgb;
    }

    /// Where the chroma sample of column and row lies: on the pixel 2x, between the rows 2y and 2y + 1.
    Triple chroma_at(int row, int column) const {
        Triple sum = {};
        for (int down = 0; down < 2; ++down) {
            for (int across = -1; across <= 1; ++across) {
                const Triple pixel = at(2 * row + down, 2 * column + across);
                for (size_t c = 0; c < 3; ++c) sum[c] += pixel[c] * (across == 0 ? 2 : 1) / 8;
            }
        }
        return to_yuv(sum);
    }

    int height() const { return height_; }
    int width() const { return width_; }

  private:
    int height_, width_;
    std::vector<double> values_;
};

std::vector<double> twin(const Picture& picture, Yuv420 format) {
    std::vector<double> bytes;
    for (int y = 0; y < picture.height(); ++y) {
        for (int x = 0; x < picture.width(); ++x) bytes.push_back(to_yuv(picture.at(y, x))[0]);
    }
    std::vector<double> u, v;
    for (int y = 0; y < (picture.height() + 1) / 2; ++y) {
        for (int x = 0; x < (picture.width() + 1) / 2; ++x) {
            u.push_back(picture.chroma_at(y, x)[1]);
            v.push_back(picture.chroma_at(y, x)[2]);
        }
    }
    for (size_t i = 0; i < u.size() && format == Yuv420::SemiPlanar; ++i) bytes.insert(bytes.end(), {u[i], v[i]});
    if (format == Yuv420::SemiPlanar) return bytes;
    bytes.insert(bytes.end(), u.begin(), u.end());
    bytes.insert(bytes.end(), v.begin(), v.end());
    return bytes;
}

class Yuv420Kernel : public KernelTest {
  protected:
    void expect_equals_twin(const Tensor& clip, Yuv420 format) {
        const auto height = static_cast<int>(clip.dim(1)), width = static_cast<int>(clip.dim(2));
        const int64_t size = yuv420_bytes(height, width);
        Tensor frames = Tensor::empty(context, {clip.dim(0), size}, DType::UInt8);
        clip.dtype() == DType::Float32 ? convert<float>(clip, frames, format) : convert<BFloat16>(clip, frames, format);
        for (int64_t frame = 0; frame < clip.dim(0); ++frame) {
            const std::vector<double> want = twin(Picture(clip, frame), format);
            ASSERT_EQ(static_cast<int64_t>(want.size()), size);
            const auto* got = reinterpret_cast<const uint8_t*>(frames.raw()) + frame * size;
            // Half a level for the rounding itself, and what f32 may err by next to a tie.
            for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 0.5001) << "byte " << i;
        }
    }

  private:
    template <class T>
    void convert(const Tensor& clip, Tensor& frames, Yuv420 format) {
        Yuv420Arguments<T> picture;
        picture.rgb = clip.data<T>();
        picture.frames = reinterpret_cast<uint8_t*>(frames.raw());
        picture.count = clip.dim(0);
        picture.height = static_cast<int>(clip.dim(1));
        picture.width = static_cast<int>(clip.dim(2));
        picture.format = format;
        if constexpr (kHasCuda) {
            if (is_on_gpu()) return run_on_gpu([&](Stream stream) { launch_yuv420(picture, stream); });
        }
        emulation::run_grid(yuv420_launch(picture.count, picture.height, picture.width),
                            [&](std::byte*) { yuv420_block(picture); });
    }
};

INSTANTIATE_TEST_SUITE_P(Places, Yuv420Kernel, kPlaces, name_of_place);

TEST_P(Yuv420Kernel, EqualsTheTwinForBothFormatsAndOddSizes) {
    for (const Yuv420 format : {Yuv420::Planar, Yuv420::SemiPlanar}) {
        for (const Shape& shape : {Shape{2, 16, 24, 3}, Shape{1, 5, 7, 3}, Shape{1, 1, 1, 3}}) {
            expect_equals_twin(random_tensor(context, shape, DType::Float32, 1, 0.7f), format);
            expect_equals_twin(random_tensor(context, shape, DType::BFloat16, 2, 0.7f), format);
        }
    }
}

TEST_P(Yuv420Kernel, GivesTheLevelsOfTheStandardForPureColours) {
    const float colours[] = {0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1};
    const int levels[4][3] = {{16, 128, 128}, {235, 128, 128}, {63, 102, 240}, {32, 240, 118}};
    for (int64_t i = 0; i < 4; ++i) {
        const Tensor clip =
            Tensor::of<float>(context, {1, 1, 1, 3}, std::span(colours).subspan(static_cast<size_t>(3 * i), 3));
        const std::vector<double> want = twin(Picture(clip, 0), Yuv420::Planar);
        for (size_t part = 0; part < 3; ++part) EXPECT_EQ(std::lround(want[part]), levels[i][part]);
        expect_equals_twin(clip, Yuv420::Planar);
    }
}

TEST(Yuv420Launch, HasAThreadForEachChromaSample) {
    EXPECT_EQ(yuv420_bytes(480, 832), 480 * 832 * 3 / 2);
    EXPECT_EQ(yuv420_bytes(5, 7), 35 + 2 * 3 * 4);
    EXPECT_EQ(yuv420_launch(3, 480, 832), (Launch{780, 3, 128, 0}));
}

}  // namespace
}  // namespace kine::kernels::cuda
