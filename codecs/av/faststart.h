// The last step of an MP4: a fragmented file survives a kill but seeks poorly and hides its length from simple players,
// so close() copies the finished stream, bit by bit, into a plain file with its index in front.
#pragma once

#include "codecs/output/output.h"
#include "runtime/frame/frame.h"

namespace kine::codecs {

/// Copies the finished file behind `from`, which holds the video `info`, into `to`; the first frame is shown at 0.
void copy_with_index_first(const Output& from, Output& to, const VideoInfo& info);

}  // namespace kine::codecs
