#include "codecs/frame_check.h"

#include "runtime/error.h"

namespace kine::codecs {

namespace {

std::string formats_of(const Sink& sink) {
    std::string names;
    for (const PixelFormat format : {PixelFormat::Rgb24, PixelFormat::Yuv420p, PixelFormat::Yuv444p})
        if (sink.takes(format)) names += fmt::format("{}{}", names.empty() ? "" : " or ", name_of(format));
    return names;
}

}  // namespace

void check_frame(const Sink& sink, const Frame& frame, const VideoInfo& info) {
    check(sink.takes(frame.format()), ErrorCode::Bug, "frame {} is {}, this sink takes {}", frame.index,
          name_of(frame.format()), formats_of(sink));
    check(frame.width() == info.width && frame.height() == info.height, ErrorCode::Bug,
          "frame {} has {}x{} pixels, {}x{} were announced", frame.index, frame.width(), frame.height(), info.width,
          info.height);
}

}  // namespace kine::codecs
