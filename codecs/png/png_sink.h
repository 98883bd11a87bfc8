// Exact 8-bit RGB pictures: "DIR/%04d.png", counted from 0, or a single file.
#pragma once

#include "codecs/sink.h"

namespace kine::codecs {

/// Makes the last folder of a pattern if it is missing. Frames wait as `.0000.png.part` and get their names together in
/// close(), so that two runs never mix; with `overwrite`, close() also removes further numbers of an older, longer
/// video.
std::unique_ptr<Sink> make_png_sink(const std::string& target, const VideoInfo& info, const SinkOptions& options);

}  // namespace kine::codecs
