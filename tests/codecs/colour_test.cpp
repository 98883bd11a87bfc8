// Colours come back as they were: BT.709 in, tagged, BT.709 out.
#include "tests/codecs/codec_support.h"

#include <array>

namespace kine::codecs::testing {
namespace {

constexpr Colour kColours[] = {{255, 0, 0}, {0, 255, 0},    {0, 0, 255},  {255, 255, 255},
                               {0, 0, 0},   {192, 128, 96}, {17, 94, 201}};

struct Format {
    std::string file;
    std::string video_codec;
    std::string pixel_format;
};

class Colours : public ::testing::TestWithParam<Format> {};

TEST_P(Colours, OfFlatFramesComeBackWithinTwoLevels) {
    const Folder folder;
    SinkOptions options;
    options.overwrite = true;
    options.video_codec = GetParam().video_codec;
    options.pixel_format = GetParam().pixel_format;
    if (GetParam().file != "v.y4m" && options.video_codec != "ffv1") options.crf = 4;
    for (const Colour colour : kColours) {
        const auto sink = open_sink(folder / GetParam().file, info_of(96, 64), options);
        for (int64_t index = 0; index < 2; ++index) sink->write(flat_frame(96, 64, colour, index));
        sink->close();
        for (const Frame& frame : read_frames(folder / GetParam().file))
            // 8-bit limited range cannot hold every RGB level: rounding alone costs up to 2.
            EXPECT_LE(largest_difference(frame, flat_frame(96, 64, colour)), 2)
                << colour.red << "," << colour.green << "," << colour.blue << " came as " << int(frame.plane(0)[0])
                << "," << int(frame.plane(0)[1]) << "," << int(frame.plane(0)[2]);
    }
}

INSTANTIATE_TEST_SUITE_P(Formats, Colours,
                         ::testing::Values(Format{"v.mp4", "libx264", "yuv420p"}, Format{"v.mp4", "libx264", "yuv444p"},
                                           Format{"v.mp4", "libx265", "yuv420p"}, Format{"v.mkv", "ffv1", "yuv420p"},
                                           Format{"v.webm", "libvpx-vp9", "yuv420p"},
                                           Format{"v.mp4", "libaom-av1", "yuv420p"}, Format{"v.y4m", "", "yuv420p"},
                                           Format{"v.y4m", "", "yuv444p"}));

/// Oracle: BT.709 with limited range in double precision.
std::array<double, 3> bt709(const Colour& colour) {
    const double r = colour.red / 255.0, g = colour.green / 255.0, b = colour.blue / 255.0;
    const double y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    return {16 + 219 * y, 128 + 224 * (b - y) / 1.8556, 128 + 224 * (r - y) / 1.5748};
}

TEST(Y4m, HoldsBt709Planes) {
    const Folder folder;
    SinkOptions options;
    options.pixel_format = "yuv444p";
    options.overwrite = true;
    for (const Colour colour : kColours) {
        const auto sink = open_sink(folder / "v.y4m", info_of(16, 8), options);
        sink->write(flat_frame(16, 8, colour));
        sink->close();
        const std::string bytes = file_bytes(folder / "v.y4m");
        const size_t start = bytes.find("FRAME\n") + 6;
        const auto expected = bt709(colour);
        ASSERT_EQ(bytes.size(), start + 3 * 16 * 8);
        for (size_t plane = 0; plane < 3; ++plane)
            EXPECT_NEAR(static_cast<uint8_t>(bytes[start + plane * 16 * 8 + 5]), expected[plane], 1.0) << plane;
    }
}

TEST(Png, IsExact) {
    const Folder folder;
    const auto sink = open_sink(folder / "%d.png", info_of(31, 17, {24, 1}, 3), {});
    for (int64_t index = 0; index < 3; ++index) sink->write(noisy_frame(31, 17, index));
    sink->close();
    EXPECT_EQ(folder.names(), (std::vector<std::string>{"0.png", "1.png", "2.png"}));
    const auto frames = read_frames(folder.path());
    ASSERT_EQ(frames.size(), 3u);
    for (const Frame& frame : frames) EXPECT_EQ(largest_difference(frame, noisy_frame(31, 17, frame.index)), 0);
}

TEST(Gif, IsExactUpTo256Colours) {
    const Folder folder;
    const auto sink = open_sink(folder / "v.gif", info_of(64, 16), {});
    sink->write(flat_frame(64, 16, {255, 0, 0}, 0));
    sink->write(flat_frame(64, 16, {1, 2, 250}, 1));
    sink->close();
    const auto frames = read_frames(folder / "v.gif");
    ASSERT_EQ(frames.size(), 2u);
    EXPECT_EQ(largest_difference(frames[0], flat_frame(64, 16, {255, 0, 0})), 0);
    EXPECT_EQ(largest_difference(frames[1], flat_frame(64, 16, {1, 2, 250})), 0);
}

TEST(OddSizes, RepeatTheLastColumnAndRowOnly) {
    const Folder folder;
    SinkOptions options;
    options.video_codec = "ffv1";
    options.pixel_format = "yuv420p";
    const auto sink = open_sink(folder / "v.mkv", info_of(33, 17), options);
    sink->write(flat_frame(33, 17, {200, 40, 90}));
    sink->close();
    const auto frames = read_frames(folder / "v.mkv");
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].width(), 33);
    EXPECT_LE(largest_difference(frames[0], flat_frame(33, 17, {200, 40, 90})), 2);
}

}  // namespace
}  // namespace kine::codecs::testing
