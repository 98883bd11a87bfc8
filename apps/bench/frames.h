// Decoded tensors as frames, pushed into the queue that a pump empties.
#pragma once

#include "codecs/sink.h"
#include "dit/vae/frame_decoder.h"
#include "runtime/frame/frame_queue.h"

#include <filesystem>

namespace kine::bench {

struct VideoTimes {
    double decode_seconds = 0;  ///< until the last frame was pushed
    double total_seconds = 0;   ///< until the file was closed
    int64_t file_bytes = 0;
};

/// Decodes `latents` and throws the pixels away.
double decode_only(const Context& context, const dit::FrameDecoder& decoder, const Tensor& latents);
/// Decodes `latents` while a pump encodes the frames into `file`, as a run of the command line does.
VideoTimes decode_and_encode(const Context& context, const dit::FrameDecoder& decoder, const Tensor& latents,
                             const std::filesystem::path& file);

}  // namespace kine::bench
