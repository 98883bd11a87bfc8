#include "codecs/fitted.h"

#include "runtime/error.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace kine::codecs {

namespace {

/// The largest part in the middle that has the shape of width x height. Cut before scaling, or a thread-like picture
/// would grow beyond all memory.
cv::Rect middle(const Frame& picture, int width, int height) {
    const double shape = static_cast<double>(width) / height;
    const auto part_of = [](int side, double wanted) {
        return std::clamp(static_cast<int>(std::lround(std::min(wanted, 1e9))), 1, side);
    };
    const int columns = part_of(picture.width(), picture.height() * shape);
    const int rows = part_of(picture.height(), picture.width() / shape);
    return {(picture.width() - columns) / 2, (picture.height() - rows) / 2, columns, rows};
}

}  // namespace

Frame fitted(const Frame& picture, int width, int height) {
    check(picture.format() == PixelFormat::Rgb24 && width > 0 && height > 0, ErrorCode::Bug,
          "fitted: expected rgb24 and a size above 0x0, got {} and {}x{}", name_of(picture.format()), width, height);
    if (picture.width() == width && picture.height() == height) return picture;
    const cv::Mat whole(picture.height(), picture.width(), CV_8UC3, const_cast<uint8_t*>(picture.plane(0).data()));
    cv::Mat scaled;
    const cv::Mat part = whole(middle(picture, width, height));
    cv::resize(part, scaled, {width, height}, 0, 0, part.cols > width ? cv::INTER_AREA : cv::INTER_CUBIC);
    std::vector<uint8_t> pixels;
    pixels.reserve(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
    for (int y = 0; y < height; ++y) {
        const uint8_t* row = scaled.ptr<uint8_t>(y);
        pixels.insert(pixels.end(), row, row + static_cast<size_t>(width) * 3);
    }
    return {PixelFormat::Rgb24, width, height, {std::move(pixels)}};
}

}  // namespace kine::codecs
