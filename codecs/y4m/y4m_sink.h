// YUV4MPEG2: a line of text and raw planes. Written by hand, because it is the format of pipes: the header leaves at
// once.
#pragma once

#include "codecs/sink.h"

namespace kine::codecs {

/// 8-bit 4:2:0 (default) or 4:4:4, BT.709, limited range. The format has no place for matrix and metadata.
std::unique_ptr<Sink> make_y4m_sink(const std::string& target, const VideoInfo& info, const SinkOptions& options);

}  // namespace kine::codecs
