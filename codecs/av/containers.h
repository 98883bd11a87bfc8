// The containers written through libav: what may go into them, and how they stay playable after a kill.
#pragma once

#include "codecs/sink.h"

#include <string_view>

namespace kine::codecs {

struct Container {
    std::string_view name;
    std::string_view muxer;     ///< libav's name
    std::string_view encoders;  ///< the first is the default
    std::string_view options;   ///< of the muxer, "key=value:key=value"
    bool keeps_metadata;
    bool index_first;  ///< copied once more at the end, see faststart.h
    int64_t most_fps;  ///< that it can say, 0: any
};

extern const Container kMp4;
extern const Container kMatroska;
extern const Container kWebm;
extern const Container kGif;

std::unique_ptr<Sink> make_video_sink(const Container& container, const std::string& target, const VideoInfo& info,
                                      const SinkOptions& options);

}  // namespace kine::codecs
