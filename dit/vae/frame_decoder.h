// Latents to pictures, chunk by chunk, so that the first frame leaves before the last is decoded.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <functional>
#include <stop_token>

namespace kine::dit {

struct DecodeOptions {
    int64_t chunk = 0;           ///< latent frames at a time, 0: as the VAE declares
    int64_t tile = 0;            ///< side of a tile in latent pixels, 0: whole frames
    double tile_overlap = 0.25;  ///< share of a tile that is blended with its neighbour
    int64_t frames = 0;          ///< of the whole video, 0: as many as the latents hold
};

/// Receives frames [F, Y, X, 3] in [0, 1], f32, in order.
using FrameConsumer = std::function<void(const Tensor& frames)>;

/// Immutable.
class FrameDecoder {
  public:
    virtual ~FrameDecoder() = default;

    /// latents [C, T, Y, X] f32, as the sampler left them (the decoder undoes the scaling factor).
    virtual void decode(const Context& context, const Tensor& latents, const DecodeOptions& options,
                        std::stop_token stop, const FrameConsumer& consume) const = 0;
    virtual int64_t spatial_factor() const = 0;  ///< pixels per latent pixel, a side
    virtual int64_t frames_of(int64_t latent_frames) const = 0;
    virtual int64_t latent_frames_of(int64_t frames) const = 0;
    virtual int64_t latent_channels() const = 0;
    /// Largest number of bytes that decoding holds at once, without the latents; for plans.
    virtual int64_t working_bytes(int64_t latent_rows, int64_t latent_columns, const DecodeOptions& options) const = 0;
};

}  // namespace kine::dit
