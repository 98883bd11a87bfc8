// A picture on its way out: immutable shared planes, a format, a number and properties. Cheap to copy.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kine {

enum class PixelFormat {
    Rgb24,    ///< one plane, R G B bytes, full range
    Yuv420p,  ///< three planes, BT.709, limited range, chroma sited left
    Yuv444p,  ///< three planes, BT.709, limited range
};

std::string_view name_of(PixelFormat format);
int plane_count(PixelFormat format);
int64_t plane_row_bytes(PixelFormat format, int plane, int width);
int plane_rows(PixelFormat format, int plane, int height);
int64_t plane_bytes(PixelFormat format, int plane, int width, int height);
/// Of all planes.
int64_t frame_bytes(PixelFormat format, int width, int height);

class Frame {
  public:
    Frame() = default;
    /// Rows are tightly packed; `planes` must have the sizes that format, width and height ask for.
    Frame(PixelFormat format, int width, int height, std::vector<std::vector<uint8_t>> planes);
    /// From frame_bytes() bytes, one plane after the other.
    static Frame of_bytes(PixelFormat format, int width, int height, const uint8_t* bytes);

    PixelFormat format() const { return format_; }
    int width() const { return width_; }
    int height() const { return height_; }
    const std::vector<uint8_t>& plane(int number) const { return (*planes_)[static_cast<size_t>(number)]; }
    int64_t bytes() const;

    int64_t index = 0;  ///< position in the video, from 0

  private:
    PixelFormat format_ = PixelFormat::Rgb24;
    int width_ = 0;
    int height_ = 0;
    std::shared_ptr<const std::vector<std::vector<uint8_t>>> planes_;
};

/// An exact rate or duration: 24000/1001.
struct Rational {
    int64_t num = 0;
    int64_t den = 1;
    bool operator==(const Rational&) const = default;
};
/// "24", "24000/1001", "23.976" (the NTSC fraction), "29.97", "12.5". Throws ErrorCode::Usage.
Rational parse_rate(std::string_view text);
std::string to_string(Rational rate);

/// What a sink is told before the first frame.
struct VideoInfo {
    int width = 0;
    int height = 0;
    Rational fps{24, 1};
    int64_t frames = 0;  ///< expected number, 0 if unknown
    std::map<std::string, std::string> metadata;
};

}  // namespace kine
