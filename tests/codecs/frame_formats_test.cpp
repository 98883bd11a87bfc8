// Frames that come as Yuv420p: the pictures that swscale makes of Rgb24, and who takes them.
#include "codecs/av/colour.h"
#include "tests/codecs/codec_support.h"
#include "tests/codecs/yuv_frames.h"

#include <random>

namespace kine::codecs::testing {
namespace {

struct Difference {
    int largest = 0;
    double mean = 0;
};

/// Between a frame and what an encoder is given of another, over all samples of a plane.
Difference difference(const Frame& frame, const AVFrame& picture, int plane) {
    Difference sum;
    const int64_t width = plane_row_bytes(frame.format(), plane, frame.width());
    const int rows = plane_rows(frame.format(), plane, frame.height());
    for (int y = 0; y < rows; ++y) {
        for (int64_t x = 0; x < width; ++x) {
            const int ours = frame.plane(plane)[static_cast<size_t>(y * width + x)];
            const int theirs = picture.data[plane][y * picture.linesize[plane] + x];
            sum.largest = std::max(sum.largest, std::abs(ours - theirs));
            sum.mean += std::abs(ours - theirs) / static_cast<double>(width * rows);
        }
    }
    return sum;
}

using Values = std::vector<float>;

Values smooth_values(int width, int height) {
    Values values;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c)
                values.push_back(0.5f + 0.45f * std::sin(0.11f * static_cast<float>(x * (c + 1)) +
                                                         0.07f * static_cast<float>(y * (3 - c))));
    return values;
}

/// Every pixel another colour, at either end of what there is or anywhere.
Values wild_values(int width, int height, bool is_extreme) {
    std::mt19937 random(5);
    Values values(static_cast<size_t>(width * height * 3));
    for (float& value : values) {
        value = static_cast<float>(random() >> 8) / static_cast<float>(1 << 24);
        if (is_extreme) value = std::round(value);
    }
    return values;
}

class LikeSwscale : public ::testing::TestWithParam<std::pair<int, int>> {
  protected:
    /// Ours of the values, swscale's of their levels, as an encoder is given them.
    void expect_alike(const Values& values, int most, double mean) {
        const auto [width, height] = GetParam();
        const RgbToVideo::Size size = {width, height}, coded = {(width + 1) / 2 * 2, (height + 1) / 2 * 2};
        RgbToVideo swscale(size, coded, AV_PIX_FMT_YUV420P, AVCHROMA_LOC_LEFT);
        const FramePointer theirs = swscale(frame_of_values(values, width, height, PixelFormat::Rgb24));
        const Frame ours = frame_of_values(values, width, height, PixelFormat::Yuv420p);
        for (int plane = 0; plane < 3; ++plane) {
            const Difference seen = difference(ours, *theirs, plane);
            EXPECT_LE(seen.largest, most) << "plane " << plane;
            EXPECT_LE(seen.mean, mean) << "plane " << plane;
        }
    }
};

TEST_P(LikeSwscale, OnSmoothPictures) {
    const auto [width, height] = GetParam();
    expect_alike(smooth_values(width, height), 1, 0.2);
}

TEST_P(LikeSwscale, OnNoise) {
    const auto [width, height] = GetParam();
    expect_alike(wild_values(width, height, false), 1, 0.2);
}

TEST_P(LikeSwscale, OnEdgesAsHardAsCanBe) {
    const auto [width, height] = GetParam();
    expect_alike(wild_values(width, height, true), 1, 0.2);
}

INSTANTIATE_TEST_SUITE_P(Sizes, LikeSwscale,
                         ::testing::Values(std::pair{96, 64}, std::pair{832, 480}, std::pair{33, 17}, std::pair{64, 31},
                                           std::pair{31, 64}));

std::vector<std::unique_ptr<Sink>> sinks_for(const Folder& folder,
                                             const std::vector<std::pair<std::string, std::string>>& outputs) {
    std::vector<std::unique_ptr<Sink>> sinks;
    for (const auto& [file, pixel_format] : outputs) {
        SinkOptions options;
        options.pixel_format = pixel_format;
        sinks.push_back(open_sink(folder / file, info_of(64, 64), options));
    }
    return sinks;
}

TEST(CommonFormat, IsThatOfEncodersWhereNobodyWantsMore) {
    const Folder folder;
    const auto of = [&](const std::vector<std::pair<std::string, std::string>>& outputs) {
        return common_format(sinks_for(folder, outputs));
    };
    EXPECT_EQ(of({{"v.mp4", ""}}), PixelFormat::Yuv420p);
    EXPECT_EQ(of({{"v.mp4", "nv12"}, {"v.mkv", "yuv420p"}, {"v.webm", ""}, {"v.y4m", ""}}), PixelFormat::Yuv420p);
    EXPECT_EQ(of({{"v.mp4", ""}, {"%04d.png", ""}}), PixelFormat::Rgb24);
    EXPECT_EQ(of({{"v.gif", ""}, {"v.mp4", ""}}), PixelFormat::Rgb24);
    EXPECT_EQ(of({{"v.mp4", "yuv444p"}, {"v.mkv", ""}}), PixelFormat::Rgb24);
    EXPECT_EQ(of({{"v.y4m", "yuv444p"}}), PixelFormat::Rgb24);
    EXPECT_EQ(of({{"v.mp4", "yuvj420p"}}), PixelFormat::Rgb24) << "full range is another picture";
    EXPECT_EQ(of({{"v.mp4", "yuv420p10le"}}), PixelFormat::Rgb24);
}

TEST(Y4m, HoldsTheBytesOfFramesThatAreReady) {
    const Folder folder;
    const Frame frame = as_yuv420p(noisy_frame(32, 18, 0));
    const auto sink = open_sink(folder / "v.y4m", info_of(32, 18), {});
    EXPECT_FALSE(open_sink(folder / "odd.y4m", info_of(31, 18), {})->takes(PixelFormat::Yuv420p));
    sink->write(frame);
    sink->close();
    const std::string bytes = file_bytes(folder / "v.y4m");
    std::string want;
    for (int plane = 0; plane < 3; ++plane) want.append(frame.plane(plane).begin(), frame.plane(plane).end());
    EXPECT_TRUE(bytes.ends_with("FRAME\n" + want));
}

}  // namespace
}  // namespace kine::codecs::testing
