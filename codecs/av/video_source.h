// Any video or picture file that libav can read, strictly: what is damaged is refused, not guessed.
#pragma once

#include "codecs/source.h"

namespace kine::codecs {

/// A regular file; nothing else is opened on its behalf, neither files it names nor the network.
std::unique_ptr<Source> open_video_file(const std::string& path);

}  // namespace kine::codecs
