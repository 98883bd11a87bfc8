// The table of codecs: what an output name means.
#pragma once

#include "codecs/sink.h"
#include "runtime/registry.h"

#include <span>
#include <string_view>

namespace kine::codecs {

using MakeSink = std::unique_ptr<Sink> (*)(const std::string& target, const VideoInfo& info,
                                           const SinkOptions& options);

struct Codec {
    std::string_view name;     ///< "mp4", "y4m", ...
    std::string_view endings;  ///< ".mp4 .m4v"
    std::string_view summary;
    MakeSink make;
};

std::span<const Codec> codecs();

}  // namespace kine::codecs
