// Pictures, folders and readers that the codec tests share.
#pragma once

#include "codecs/codecs.h"
#include "codecs/sink.h"
#include "codecs/source.h"
#include "runtime/error.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kine::codecs::testing {

/// A fresh folder, removed at the end.
class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "codecs-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() {
        std::error_code error;
        std::filesystem::remove_all(path_, error);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    std::string path() const { return path_.string(); }
    std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator(path_))
            found.push_back(entry.path().filename().string());
        std::sort(found.begin(), found.end());
        return found;
    }

  private:
    std::filesystem::path path_;
};

struct Colour {
    int red = 0;
    int green = 0;
    int blue = 0;
};

inline Frame flat_frame(int width, int height, Colour colour, int64_t index = 0) {
    std::vector<uint8_t> pixels;
    for (int i = 0; i < width * height; ++i)
        for (const int value : {colour.red, colour.green, colour.blue}) pixels.push_back(static_cast<uint8_t>(value));
    Frame frame(PixelFormat::Rgb24, width, height, {std::move(pixels)});
    frame.index = index;
    return frame;
}

/// A slow gradient that moves, so that every frame is different and compresses well.
inline Frame moving_frame(int width, int height, int64_t index) {
    std::vector<uint8_t> pixels;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (const int64_t value : {x + 4 * index, y + 2 * index, (x + y) / 2 + index})
                pixels.push_back(
                    static_cast<uint8_t>(128 + 100 * (value % 128 < 64 ? value % 64 - 32 : 32 - value % 64) / 64));
    Frame frame(PixelFormat::Rgb24, width, height, {std::move(pixels)});
    frame.index = index;
    return frame;
}

/// Pixels without any order: nothing compresses, so files grow.
inline Frame noisy_frame(int width, int height, int64_t index) {
    std::vector<uint8_t> pixels(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
    uint64_t state = 0x9E3779B97F4A7C15ull * static_cast<uint64_t>(index + 1);
    for (uint8_t& value : pixels) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        value = static_cast<uint8_t>(state >> 56);
    }
    Frame frame(PixelFormat::Rgb24, width, height, {std::move(pixels)});
    frame.index = index;
    return frame;
}

inline VideoInfo info_of(int width, int height, Rational fps = {24, 1}, int64_t frames = 12) {
    VideoInfo info;
    info.width = width;
    info.height = height;
    info.fps = fps;
    info.frames = frames;
    return info;
}

/// Quick settings: the tests are about files, not about compression.
inline SinkOptions quick_options(bool overwrite = false) {
    SinkOptions options;
    options.overwrite = overwrite;
    return options;
}

inline void write_frames(Sink& sink, const VideoInfo& info, int64_t count) {
    for (int64_t index = 0; index < count; ++index) sink.write(moving_frame(info.width, info.height, index));
}

inline void write_video(const std::string& target, const VideoInfo& info, const SinkOptions& options = {}) {
    const auto sink = open_sink(target, info, options);
    write_frames(*sink, info, info.frames);
    sink->close();
}

inline std::vector<Frame> read_frames(const std::string& path) {
    const auto source = open_source(path);
    std::vector<Frame> frames;
    while (auto frame = source->read()) frames.push_back(*frame);
    return frames;
}

inline int largest_difference(const Frame& a, const Frame& b) {
    int largest = 0;
    for (size_t i = 0; i < a.plane(0).size(); ++i) largest = std::max(largest, std::abs(a.plane(0)[i] - b.plane(0)[i]));
    return largest;
}

inline double mean_difference(const Frame& a, const Frame& b) {
    double sum = 0;
    for (size_t i = 0; i < a.plane(0).size(); ++i) sum += std::abs(a.plane(0)[i] - b.plane(0)[i]);
    return sum / static_cast<double>(a.plane(0).size());
}

inline std::string file_bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// The code of the Error that `action` throws, Ok if it throws none; `message` receives its text.
inline ErrorCode code_of(const std::function<void()>& action, std::string* message = nullptr) {
    try {
        action();
    } catch (const Error& error) {
        if (message) *message = error.what();
        return error.code();
    }
    return ErrorCode::Ok;
}

}  // namespace kine::codecs::testing
