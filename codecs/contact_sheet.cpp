#include "codecs/metrics.h"
#include "codecs/output/output.h"
#include "codecs/png/png_encoder.h"
#include "runtime/error.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace kine::codecs {
namespace {

constexpr int kThumbnailWidth = 320;
constexpr int kGap = 4;

int64_t count_frames(const std::string& video) {
    const std::unique_ptr<Source> source = open_source(video);
    int64_t frames = 0;
    while (source->read()) ++frames;
    return frames;
}

/// Never larger than the frame.
cv::Mat thumbnail(const Frame& frame) {
    const cv::Mat picture(frame.height(), frame.width(), CV_8UC3, const_cast<uint8_t*>(frame.plane(0).data()));
    if (frame.width() <= kThumbnailWidth) return picture.clone();
    const int height = std::max(1, frame.height() * kThumbnailWidth / frame.width());
    cv::Mat small;
    cv::resize(picture, small, cv::Size(kThumbnailWidth, height), 0, 0, cv::INTER_AREA);
    return small;
}

/// First and last frame, and those evenly between; a short video repeats frames. Read twice, since lengths may be
/// unknown.
std::vector<cv::Mat> row_of(const std::string& video, int columns) {
    const int64_t frames = count_frames(video);
    std::vector<cv::Mat> row;
    const auto wanted = [&] {
        const double step = columns > 1 ? static_cast<double>(frames - 1) / (columns - 1) : 0;
        return std::llround(step * static_cast<double>(row.size()));
    };
    const std::unique_ptr<Source> source = open_source(video);
    while (const std::optional<Frame> frame = source->read())
        while (row.size() < static_cast<size_t>(columns) && wanted() == frame->index) row.push_back(thumbnail(*frame));
    return row;
}

cv::Mat arrange(const std::vector<std::vector<cv::Mat>>& rows) {
    int width = kGap;
    int height = kGap;
    for (const auto& row : rows) {
        width = std::max(width, kGap + static_cast<int>(row.size()) * (row.front().cols + kGap));
        height += row.front().rows + kGap;
    }
    cv::Mat sheet(height, width, CV_8UC3, cv::Scalar::all(32));
    int y = kGap;
    for (const auto& row : rows) {
        for (size_t column = 0; column < row.size(); ++column) {
            const int x = kGap + static_cast<int>(column) * (row[column].cols + kGap);
            row[column].copyTo(sheet(cv::Rect(x, y, row[column].cols, row[column].rows)));
        }
        y += row.front().rows + kGap;
    }
    return sheet;
}

}  // namespace

void write_contact_sheet(const std::vector<std::string>& videos, int columns, const std::filesystem::path& png) {
    check(!videos.empty(), ErrorCode::Usage, "a contact sheet needs a video");
    check(columns >= 1 && columns <= 100, ErrorCode::Usage, "a contact sheet has {} columns, expected 1 to 100",
          columns);
    std::vector<std::vector<cv::Mat>> rows;
    for (const std::string& video : videos) rows.push_back(row_of(video, columns));
    const cv::Mat sheet = arrange(rows);
    std::vector<uint8_t> pixels(sheet.datastart, sheet.dataend);
    const Frame frame(PixelFormat::Rgb24, sheet.cols, sheet.rows, {std::move(pixels)});
    const auto output = Output::open_file(png, true);
    output->write(PngEncoder(sheet.cols, sheet.rows)(frame));
    output->commit();
}

}  // namespace kine::codecs
