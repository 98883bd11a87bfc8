// Wan's VAE (arXiv 2503.20314, section 4.1): causal in time, so that latent frames are decoded one by one, each with
// what its convolutions remember of those before. The first latent frame makes one picture, every other
// temporal_factor.
#pragma once

#include "dit/vae/frame_decoder.h"
#include "dit/vae/wan_config.h"
#include "runtime/weights.h"

#include <memory>

namespace kine::dit {

class AutoencoderWanDecoder final : public FrameDecoder {
  public:
    AutoencoderWanDecoder(const Scope& scope, const WanVaeConfig& config);
    ~AutoencoderWanDecoder() override;

    Pieces pieces(const Shape& latents, const DecodeOptions& options) const override;
    int64_t spatial_factor() const override;
    int64_t frames_of(int64_t latent_frames) const override;
    int64_t latent_frames_of(int64_t frames) const override;
    int64_t latent_channels() const override;
    int64_t working_bytes(int64_t latent_rows, int64_t latent_columns, const DecodeOptions& options) const override;

  private:
    struct Network;
    class Chunks;
    std::unique_ptr<Decoding> open(const Tensor& latents, const DecodeOptions& options) const override;

    std::unique_ptr<const Network> network_;
};

/// A picture to a video's first latent frame.
class AutoencoderWanEncoder {
  public:
    AutoencoderWanEncoder(const Scope& scope, const WanVaeConfig& config);
    ~AutoencoderWanEncoder();

    /// picture [1, Y, X, 3] f32 in -1..1 -> the posterior's mean, whitened by channel, [C, 1, Y / f, X / f] f32.
    Tensor encode(const Context& context, const Tensor& picture) const;

  private:
    struct Network;
    std::unique_ptr<const Network> network_;
};

}  // namespace kine::dit
