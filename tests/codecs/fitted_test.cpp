#include "codecs/fitted.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace kine::codecs {
namespace {

/// Red grows to the right, green downwards, blue is 7.
Frame gradient(int width, int height) {
    std::vector<uint8_t> pixels;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            pixels.push_back(static_cast<uint8_t>(255 * x / std::max(1, width - 1)));
            pixels.push_back(static_cast<uint8_t>(255 * y / std::max(1, height - 1)));
            pixels.push_back(7);
        }
    }
    return {PixelFormat::Rgb24, width, height, {std::move(pixels)}};
}

std::vector<int> pixel(const Frame& frame, int x, int y) {
    const size_t at = (static_cast<size_t>(y) * static_cast<size_t>(frame.width()) + static_cast<size_t>(x)) * 3;
    return {frame.plane(0)[at], frame.plane(0)[at + 1], frame.plane(0)[at + 2]};
}

TEST(Fitted, LeavesAPictureOfTheRightSizeAlone) {
    const Frame picture = gradient(12, 8);
    EXPECT_EQ(fitted(picture, 12, 8).plane(0).data(), picture.plane(0).data());
}

TEST(Fitted, CutsTheOverhangOffBothSides) {
    const Frame wide = fitted(gradient(256, 64), 64, 64);  // the middle quarter
    EXPECT_NEAR(pixel(wide, 0, 32)[0], 255 * 96 / 255, 2);
    EXPECT_NEAR(pixel(wide, 63, 32)[0], 255 * 159 / 255, 2);
    const Frame tall = fitted(gradient(64, 256), 32, 32);
    EXPECT_NEAR(pixel(tall, 16, 0)[1], 97, 3);
    EXPECT_NEAR(pixel(tall, 16, 31)[1], 158, 3);
    EXPECT_EQ(pixel(tall, 16, 16)[2], 7);
}

TEST(Fitted, GrowsSmallPictures) {
    const Frame large = fitted(gradient(4, 4), 40, 20);
    EXPECT_EQ(large.width(), 40);
    EXPECT_EQ(large.height(), 20);
    EXPECT_LT(pixel(large, 2, 10)[0], pixel(large, 37, 10)[0]);
}

TEST(Fitted, TakesPicturesThinAsThreads) {
    for (const auto& [width, height] : {std::pair{1, 16384}, std::pair{16384, 1}}) {
        const Frame frame = fitted(gradient(width, height), 832, 480);
        EXPECT_EQ(frame.plane(0).size(), size_t{832} * 480 * 3);
    }
}

}  // namespace
}  // namespace kine::codecs
