// What every sink asks of a frame.
#pragma once

#include "codecs/sink.h"

namespace kine::codecs {

/// Throws ErrorCode::Bug unless `frame` is of the announced size and a format that `sink` takes.
void check_frame(const Sink& sink, const Frame& frame, const VideoInfo& info);

}  // namespace kine::codecs
