// The encoders we know how to set up, as a table: their scales of quality and speed differ.
#pragma once

#include "codecs/av/handles.h"
#include "codecs/sink.h"

#include <string_view>

namespace kine::codecs {

struct EncoderKind {
    std::string_view name;        ///< libav's
    std::string_view crf_option;  ///< empty: no constant rate factor
    int largest_crf;
    std::string_view crf;            ///< default
    std::string_view preset_option;  ///< empty: has no presets
    std::string_view presets;        ///< all of them
    std::string_view preset;         ///< default
    std::string_view options;        ///< "key=value:key=value"
};

/// NVIDIA's encoder in hardware, for whoever asks for "auto".
inline constexpr std::string_view kHardwareEncoder = "h264_nvenc";

/// The row of `name`, which must also be one of `allowed` (separated by spaces) and present in this libav.
const EncoderKind& find_encoder(std::string_view name, std::string_view allowed, std::string_view container);

struct EncoderRequest {
    const EncoderKind& kind;
    const VideoInfo& info;
    const SinkOptions& options;
    bool global_header;  ///< the container keeps codec parameters apart from the frames
};

/// The encoder, open; ErrorCode::Output where it cannot be, as one in hardware that is not there. Its size may be
/// larger than the video's by one column and row (see coded_size).
CodecPointer open_encoder(const EncoderRequest& request);
/// To be called before an encoder goes that never got a picture: SVT-AV1 1.4 waits for one for ever.
void release_unused(AVCodecContext& encoder) noexcept;

/// Formats with subsampled chroma get the next even size, since neither H.264 nor HEVC can crop a single column then.
struct CodedSize {
    int width;
    int height;
};
CodedSize coded_size(const VideoInfo& info, AVPixelFormat format);

/// Frames a second, rounded: a key frame, and so a playable fragment, about every second.
int frames_per_second(const VideoInfo& info);

}  // namespace kine::codecs
