#include "codecs/metrics.h"

#include "runtime/error.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace kine::codecs {
namespace {

constexpr int kWindow = 11;

/// cv::Mat over a frame's own bytes, which it must not change.
cv::Mat rgb_of(const Frame& frame) {
    return cv::Mat(frame.height(), frame.width(), CV_8UC3, const_cast<uint8_t*>(frame.plane(0).data()));
}

cv::Mat luma_of(const Frame& frame) {
    cv::Mat wide;
    rgb_of(frame).convertTo(wide, CV_64F);
    cv::Mat luma;
    cv::transform(wide, luma, cv::Mat(cv::Matx13d(0.299, 0.587, 0.114)));
    return luma;
}

cv::Mat windowed(const cv::Mat& picture) {
    cv::Mat mean;
    cv::GaussianBlur(picture, mean, cv::Size(kWindow, kWindow), 1.5, 1.5, cv::BORDER_REFLECT);
    return mean;
}

/// Windows that lie inside the picture, as in the paper; all of them where the picture is smaller than one.
cv::Rect inside(const cv::Mat& picture) {
    constexpr int margin = kWindow / 2;
    if (picture.cols < kWindow || picture.rows < kWindow) return {0, 0, picture.cols, picture.rows};
    return {margin, margin, picture.cols - 2 * margin, picture.rows - 2 * margin};
}

double ssim(const Frame& first, const Frame& second) {
    constexpr double c1 = 0.01 * 255 * 0.01 * 255;
    constexpr double c2 = 0.03 * 255 * 0.03 * 255;
    const cv::Mat a = luma_of(first);
    const cv::Mat b = luma_of(second);
    const cv::Mat mean_a = windowed(a);
    const cv::Mat mean_b = windowed(b);
    const cv::Mat variance_a = windowed(a.mul(a)) - mean_a.mul(mean_a);
    const cv::Mat variance_b = windowed(b.mul(b)) - mean_b.mul(mean_b);
    const cv::Mat covariance = windowed(a.mul(b)) - mean_a.mul(mean_b);
    const cv::Mat above = (2 * mean_a.mul(mean_b) + c1).mul(2 * covariance + c2);
    const cv::Mat below = (mean_a.mul(mean_a) + mean_b.mul(mean_b) + c1).mul(variance_a + variance_b + c2);
    const cv::Mat map = above / below;
    return cv::mean(map(inside(map)))[0];
}

double psnr_of(double mean_squared_error) {
    if (mean_squared_error == 0) return std::numeric_limits<double>::infinity();
    return 10 * std::log10(255.0 * 255.0 / mean_squared_error);
}

struct Difference {
    double mean_squared_error = 0;
    int largest = 0;
};

Difference difference(const Frame& first, const Frame& second) {
    const std::vector<uint8_t>& a = first.plane(0);
    const std::vector<uint8_t>& b = second.plane(0);
    int64_t squares = 0;
    int largest = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        const int delta = std::abs(a[i] - b[i]);
        squares += delta * delta;
        largest = std::max(largest, delta);
    }
    return {static_cast<double>(squares) / static_cast<double>(a.size()), largest};
}

void check_same(const std::optional<Frame>& first, const std::optional<Frame>& second, size_t frames) {
    check(first.has_value() == second.has_value(), ErrorCode::BadInput,
          "the {} video ends after {} frames, the other goes on", first ? "second" : "first", frames);
}

}  // namespace

Comparison compare(Source& first, Source& second) {
    const VideoInfo& a = first.info();
    const VideoInfo& b = second.info();
    check(a.width == b.width && a.height == b.height, ErrorCode::BadInput,
          "the first video has {}x{} pixels, the second {}x{}", a.width, a.height, b.width, b.height);
    Comparison result;
    double squared_error = 0;
    for (;;) {
        const std::optional<Frame> left = first.read();
        const std::optional<Frame> right = second.read();
        check_same(left, right, result.frames.size());
        if (!left) break;
        const Difference delta = difference(*left, *right);
        result.frames.push_back({psnr_of(delta.mean_squared_error), ssim(*left, *right), delta.largest});
        squared_error += delta.mean_squared_error;
        result.ssim += result.frames.back().ssim;
        result.max_difference = std::max(result.max_difference, delta.largest);
    }
    const auto count = static_cast<double>(result.frames.size());
    result.psnr = psnr_of(squared_error / count);  // a source has at least one frame
    result.ssim /= count;
    return result;
}

}  // namespace kine::codecs
