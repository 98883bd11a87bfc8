#include "codecs/codecs.h"

#include "codecs/av/containers.h"
#include "codecs/output/output.h"
#include "codecs/output/shown_name.h"
#include "codecs/png/png_sink.h"
#include "codecs/words.h"
#include "codecs/y4m/y4m_sink.h"
#include "runtime/error.h"
#include "runtime/frame/limits.h"

#include <algorithm>
#include <climits>

namespace kine::codecs {
namespace {

template <const Container& kContainer>
std::unique_ptr<Sink> make_contained(const std::string& target, const VideoInfo& info, const SinkOptions& options) {
    return make_video_sink(kContainer, target, info, options);
}

constexpr Codec kCodecs[] = {
    {"mp4", ".mp4 .m4v", "MP4: libx264 (default), libx265, libsvtav1, libaom-av1, h264_nvenc, hevc_nvenc",
     make_contained<kMp4>},
    {"mkv", ".mkv", "Matroska: as mp4, also libvpx-vp9, ffv1 (lossless)", make_contained<kMatroska>},
    {"webm", ".webm", "WebM: libvpx-vp9 (default), libsvtav1, libaom-av1", make_contained<kWebm>},
    {"gif", ".gif", "animated GIF, 256 colours a frame, loops", make_contained<kGif>},
    {"y4m", ".y4m", "raw 4:2:0 or 4:4:4 frames, for pipes (default for '-')", make_y4m_sink},
    {"png", ".png", "exact 8-bit RGB: DIR/%04d.png counted from 0, or one picture", make_png_sink},
};

std::string ending_of(const std::string& target) {
    std::string ending = std::filesystem::path(target).extension().string();
    for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return ending;
}

const Codec* find_by_ending(const std::string& ending) {
    for (const Codec& codec : kCodecs)
        if (contains_word(codec.endings, ending)) return &codec;
    return nullptr;
}

std::string known_endings() {
    std::string endings;
    for (const Codec& codec : kCodecs) endings += fmt::format("{}{}", endings.empty() ? "" : " ", codec.endings);
    return endings;
}

const Codec& choose(const std::string& target, const std::string& container) {
    const std::string ending = ending_of(target);
    const Codec* by_ending = find_by_ending(ending);
    if (container.empty() && target == "-") return find_entry(codecs(), "container", "y4m");
    check(by_ending != nullptr || !container.empty(), ErrorCode::Usage,
          "the ending of {} says no container, known are {}", shown_name(target), known_endings());
    if (container.empty()) return *by_ending;
    const Codec& named = find_entry(codecs(), "container", container);
    check(by_ending == nullptr || by_ending == &named, ErrorCode::Usage, "container is '{}', but {} ends like {}",
          container, shown_name(target), by_ending ? by_ending->name : "");
    return named;
}

void check_info(const VideoInfo& info) {
    check(info.width > 0 && info.height > 0 && int64_t{info.width} * info.height <= kMostPixels, ErrorCode::Usage,
          "the video has {}x{} pixels, expected 1 to {}", info.width, info.height, kMostPixels);
    const auto fits = [](int64_t value) { return value > 0 && value <= INT_MAX; };
    check(fits(info.fps.num) && fits(info.fps.den), ErrorCode::Usage,
          "the frame rate is {}/{}, expected a positive one", info.fps.num, info.fps.den);
    check(info.fps.num / info.fps.den <= 1000, ErrorCode::Usage, "the frame rate is {}/{}, at most 1000 is written",
          info.fps.num, info.fps.den);
}

}  // namespace

std::span<const Codec> codecs() { return kCodecs; }

std::unique_ptr<Sink> open_sink(const std::string& target, const VideoInfo& info, const SinkOptions& options) {
    check(!target.empty() && target.find('\0') == std::string::npos, ErrorCode::Usage, "the output has no name");
    check_info(info);
    return choose(target, options.container).make(target, info, options);
}

PixelFormat common_format(std::span<const std::unique_ptr<Sink>> sinks) {
    const auto takes = [](const std::unique_ptr<Sink>& sink) { return sink->takes(PixelFormat::Yuv420p); };
    return std::ranges::all_of(sinks, takes) ? PixelFormat::Yuv420p : PixelFormat::Rgb24;
}

}  // namespace kine::codecs
