// Latents to pictures, chunk by chunk, so that the first frame leaves before the last is decoded.
#pragma once

#include "dit/vae/decoding.h"

#include <functional>
#include <memory>

namespace kine::dit {

/// Receives frames [F, Y, X, 3] in [0, 1], f32, in order.
using FrameConsumer = std::function<void(const Tensor& frames)>;

/// What Decoding::make gives, whole pictures, brought to 0..1.
Tensor finished_pictures(const Context& context, Tensor pixels);

/// Immutable.
class FrameDecoder {
  public:
    virtual ~FrameDecoder() = default;

    /// How a video comes apart whose latents [C, T, Y, X] are of this shape.
    virtual Pieces pieces(const Shape& latents, const DecodeOptions& options) const = 0;
    /// latents [C, T, Y, X] f32, as the sampler left them (the decoder undoes the scaling factor). This must outlive
    /// the result. Checked: ErrorCode::BadInput, ErrorCode::Usage.
    std::unique_ptr<Decoding> begin(const Tensor& latents, const DecodeOptions& options) const;
    /// All pieces here, one after the other.
    void decode(const Context& context, const Tensor& latents, const DecodeOptions& options, std::stop_token stop,
                const FrameConsumer& consume) const;

    virtual int64_t spatial_factor() const = 0;  ///< pixels per latent pixel, a side
    virtual int64_t frames_of(int64_t latent_frames) const = 0;
    virtual int64_t latent_frames_of(int64_t frames) const = 0;
    virtual int64_t latent_channels() const = 0;
    /// Largest number of bytes that decoding holds at once, without the latents; for plans.
    virtual int64_t working_bytes(int64_t latent_rows, int64_t latent_columns, const DecodeOptions& options) const = 0;

  private:
    /// For latents and options that were checked.
    virtual std::unique_ptr<Decoding> open(const Tensor& latents, const DecodeOptions& options) const = 0;
};

}  // namespace kine::dit
