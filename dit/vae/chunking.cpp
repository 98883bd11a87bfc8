#include "dit/vae/chunking.h"

#include "runtime/error.h"

#include <algorithm>

namespace kine::dit {

namespace {

// Small pictures leave threads waiting for one another at every op. Beyond two frames nothing more is won, and a short
// video should not need less memory than a long one.
constexpr int64_t kMostDefaultFrames = 2;
constexpr int64_t kDefaultLatentPixels = 1024;

}  // namespace

void check_decode_options(const DecodeOptions& options) {
    check(options.chunk >= 0, ErrorCode::Usage, "decode chunk must not be negative, came {}", options.chunk);
    check(options.bands >= 1, ErrorCode::Bug, "decode: {} bands", options.bands);
    check(options.tile >= 0, ErrorCode::Usage, "vae tile must not be negative, came {}", options.tile);
    check(options.tile_overlap >= 0 && options.tile_overlap <= 0.5, ErrorCode::Usage,
          "vae tile overlap must lie between 0 and 0.5, came {}", options.tile_overlap);
}

int64_t chunk_frames(int64_t latent_rows, int64_t latent_columns, const DecodeOptions& options) {
    if (options.chunk > 0) return options.chunk;
    const int64_t rows = options.tile > 0 ? std::min(options.tile, latent_rows) : latent_rows;
    const int64_t columns = options.tile > 0 ? std::min(options.tile, latent_columns) : latent_columns;
    return std::clamp<int64_t>(kDefaultLatentPixels / (rows * columns), 1, kMostDefaultFrames);
}

void for_each_chunk(int64_t frames, int64_t chunk, const std::function<void(int64_t begin, int64_t end)>& body) {
    for (int64_t begin = 0; begin < frames; begin += chunk) body(begin, std::min(frames, begin + chunk));
}

int64_t chunks_of(int64_t frames, int64_t chunk) { return (frames + chunk - 1) / chunk; }

}  // namespace kine::dit
