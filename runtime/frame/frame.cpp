#include "runtime/frame/frame.h"

#include "runtime/error.h"

#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

namespace kine {

namespace {

struct FormatRow {
    std::string_view name;
    int planes;
    int bytes_per_pixel;
    int chroma_step;  // pixels per chroma sample, both ways
};

constexpr std::array<FormatRow, 3> kFormats = {{{"rgb24", 1, 3, 1}, {"yuv420p", 3, 1, 2}, {"yuv444p", 3, 1, 1}}};

const FormatRow& row_of(PixelFormat format) { return kFormats[static_cast<size_t>(format)]; }

int subsampled(int size, PixelFormat format, int plane) {
    check(plane >= 0 && plane < plane_count(format), ErrorCode::Bug, "{} has no plane {}", name_of(format), plane);
    const int step = plane == 0 ? 1 : row_of(format).chroma_step;
    return (size + step - 1) / step;
}

constexpr int64_t kFastestRate = 1000;       // a larger one is a typing error
constexpr int64_t kLargestTerm = INT32_MAX;  // encoders keep rates as two 32-bit numbers

[[noreturn]] void refuse_rate(std::string_view text) {
    fail(ErrorCode::Usage,
         "frame rate: expected a number above 0 and at most {}, such as 24, 23.976 or 24000/1001, got '{}'",
         kFastestRate, text);
}

int64_t parse_digits(std::string_view digits, std::string_view whole) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool is_plain = !digits.empty() && digits[0] != '-' && error == std::errc();
    if (!is_plain || end != digits.data() + digits.size() || value > kLargestTerm) refuse_rate(whole);
    return value;
}

/// 23.976, 29.97, 59.94, ... are all meant as N * 1000 / 1001, from which N * 0.999 differs by one part in a million.
Rational ntsc_or(Rational exact) {
    constexpr double kTolerance = 2e-6;
    const double value = static_cast<double>(exact.num) / static_cast<double>(exact.den);
    for (const int64_t base : {24, 30, 48, 60, 120}) {
        const double ntsc = static_cast<double>(base) * 1000.0 / 1001.0;
        if (std::abs(value - ntsc) < kTolerance * ntsc) return {base * 1000, 1001};
    }
    return exact;
}

Rational parse_decimal(std::string_view text, size_t point) {
    constexpr size_t kMostDigits = 9;
    if (text == "23.98") return {24000, 1001};  // the usual rounding to two digits
    const std::string_view fraction = text.substr(point + 1);
    if (fraction.size() > kMostDigits) refuse_rate(text);
    int64_t scale = 1;
    for (size_t digit = 0; digit < fraction.size(); ++digit) scale *= 10;
    const int64_t whole = parse_digits(text.substr(0, point), text);
    return ntsc_or({whole * scale + parse_digits(fraction, text), scale});
}

Rational parse_terms(std::string_view text) {
    const size_t slash = text.find('/');
    if (slash != std::string_view::npos) {
        return {parse_digits(text.substr(0, slash), text), parse_digits(text.substr(slash + 1), text)};
    }
    const size_t point = text.find('.');
    if (point != std::string_view::npos) return parse_decimal(text, point);
    return {parse_digits(text, text), 1};
}

}  // namespace

std::string_view name_of(PixelFormat format) { return row_of(format).name; }
int plane_count(PixelFormat format) { return row_of(format).planes; }

int64_t plane_row_bytes(PixelFormat format, int plane, int width) {
    return int64_t{row_of(format).bytes_per_pixel} * subsampled(width, format, plane);
}

int plane_rows(PixelFormat format, int plane, int height) { return subsampled(height, format, plane); }

int64_t plane_bytes(PixelFormat format, int plane, int width, int height) {
    return plane_row_bytes(format, plane, width) * plane_rows(format, plane, height);
}

int64_t frame_bytes(PixelFormat format, int width, int height) {
    int64_t sum = 0;
    for (int plane = 0; plane < plane_count(format); ++plane) sum += plane_bytes(format, plane, width, height);
    return sum;
}

Frame::Frame(PixelFormat format, int width, int height, std::vector<std::vector<uint8_t>> planes)
    : format_(format), width_(width), height_(height) {
    check(width > 0 && height > 0, ErrorCode::Bug, "frame: expected a size above 0x0, got {}x{}", width, height);
    check(static_cast<int>(planes.size()) == plane_count(format), ErrorCode::Bug, "frame: {} has {} planes, got {}",
          name_of(format), plane_count(format), planes.size());
    for (int number = 0; number < plane_count(format); ++number) {
        const int64_t expected = plane_bytes(format, number, width, height);
        const size_t came = planes[static_cast<size_t>(number)].size();
        check(static_cast<int64_t>(came) == expected, ErrorCode::Bug,
              "frame: plane {} of {} {}x{} has {} bytes, got {}", number, name_of(format), width, height, expected,
              came);
    }
    planes_ = std::make_shared<const std::vector<std::vector<uint8_t>>>(std::move(planes));
}

Frame Frame::of_bytes(PixelFormat format, int width, int height, const uint8_t* bytes) {
    std::vector<std::vector<uint8_t>> planes;
    for (int plane = 0; plane < plane_count(format); ++plane) {
        const int64_t count = plane_bytes(format, plane, width, height);
        planes.emplace_back(bytes, bytes + count);
        bytes += count;
    }
    return {format, width, height, std::move(planes)};
}

int64_t Frame::bytes() const {
    int64_t sum = 0;
    if (!planes_) return sum;
    for (const std::vector<uint8_t>& one : *planes_) sum += static_cast<int64_t>(one.size());
    return sum;
}

Rational parse_rate(std::string_view text) {
    Rational rate = parse_terms(text);
    if (rate.num <= 0 || rate.den <= 0 || rate.num / kFastestRate > rate.den) refuse_rate(text);
    const int64_t divisor = std::gcd(rate.num, rate.den);
    rate = {rate.num / divisor, rate.den / divisor};
    if (rate.num > kFastestRate * rate.den || rate.num > kLargestTerm) refuse_rate(text);
    return rate;
}

std::string to_string(Rational rate) {
    return rate.den == 1 ? std::to_string(rate.num) : fmt::format("{}/{}", rate.num, rate.den);
}

}  // namespace kine
