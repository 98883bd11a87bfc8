// What containers cannot say about our videos goes into one reserved metadata entry: the picture size before it was
// extended to even numbers, and the exact frame rate (Matroska keeps milliseconds, a folder of pictures nothing).
#pragma once

#include "runtime/frame/frame.h"

#include <optional>
#include <string_view>

namespace kine::codecs {

constexpr std::string_view kOwnKey = "kinescope_video";

struct OwnMetadata {
    int width = 0;
    int height = 0;
    Rational fps;
};

/// "641x361 24000/1001"
std::string own_metadata(const VideoInfo& info);
/// Nothing for text that is not ours.
std::optional<OwnMetadata> parse_own_metadata(std::string_view text);

}  // namespace kine::codecs
