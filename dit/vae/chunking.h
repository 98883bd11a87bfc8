// Latent frames go through a frame-wise decoder a few at a time: memory is that of one chunk however long the video is,
// and the first frame leaves before the last is decoded. Frames do not see one another, so any chunk gives the same
// bits.
#pragma once

#include "dit/vae/decode_options.h"

#include <functional>

namespace kine::dit {

/// Throws ErrorCode::Usage, naming the value, for a negative chunk or tile and an overlap outside [0, 0.5].
void check_decode_options(const DecodeOptions& options);

/// options.chunk, or by default as many frames as a small picture needs to keep the processor busy; 1 for larger ones.
int64_t chunk_frames(int64_t latent_rows, int64_t latent_columns, const DecodeOptions& options);

/// Calls body(begin, end) for consecutive ranges of at most `chunk` that cover [0, frames).
void for_each_chunk(int64_t frames, int64_t chunk, const std::function<void(int64_t begin, int64_t end)>& body);

/// How many chunks of at most `chunk` cover `frames`.
int64_t chunks_of(int64_t frames, int64_t chunk);

}  // namespace kine::dit
