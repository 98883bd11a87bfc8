// What every sink asks of a frame.
#pragma once

#include "runtime/frame/frame.h"

namespace kine::codecs {

/// Throws ErrorCode::Bug unless `frame` is Rgb24 of the announced size.
void check_frame(const Frame& frame, const VideoInfo& info);

}  // namespace kine::codecs
