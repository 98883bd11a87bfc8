#include "codecs/frame_check.h"

#include "runtime/error.h"

namespace kine::codecs {

void check_frame(const Frame& frame, const VideoInfo& info) {
    check(frame.format() == PixelFormat::Rgb24, ErrorCode::Bug, "frame {} is {}, sinks take {}", frame.index,
          name_of(frame.format()), name_of(PixelFormat::Rgb24));
    check(frame.width() == info.width && frame.height() == info.height, ErrorCode::Bug,
          "frame {} has {}x{} pixels, {}x{} were announced", frame.index, frame.width(), frame.height(), info.width,
          info.height);
}

}  // namespace kine::codecs
