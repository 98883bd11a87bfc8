// 256 colours for a picture, as GIF wants them: exact where the picture has no more, median cut (Heckbert 1982)
// otherwise.
#pragma once

#include "codecs/av/handles.h"
#include "runtime/frame/frame.h"

namespace kine::codecs {

/// The frame as libav's PAL8. No dithering: its noise would change from frame to frame and defeat compression.
FramePointer with_palette(const Frame& frame);

}  // namespace kine::codecs
