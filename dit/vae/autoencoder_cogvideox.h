// CogVideoX's VAE: causal in time, in clips of two latent frames (an odd one joins the first clip), each with what its
// convolutions remember of the clip before. The decoder's norms are modulated by the latents themselves.
#pragma once

#include "dit/vae/cogvideox_config.h"
#include "dit/vae/frame_decoder.h"
#include "runtime/rng/noise.h"
#include "runtime/weights.h"

#include <memory>

namespace kine::dit {

class CogVideoXDecoder final : public FrameDecoder {
  public:
    CogVideoXDecoder(const Scope& scope, const CogVideoXVaeConfig& config);
    ~CogVideoXDecoder() override;

    /// Clips are the model's own: DecodeOptions::chunk changes nothing.
    Pieces pieces(const Shape& latents, const DecodeOptions& options) const override;
    int64_t spatial_factor() const override;
    int64_t frames_of(int64_t latent_frames) const override;
    int64_t latent_frames_of(int64_t frames) const override;
    int64_t latent_channels() const override;
    int64_t working_bytes(int64_t latent_rows, int64_t latent_columns, const DecodeOptions& options) const override;

  private:
    struct Network;
    class Clips;
    std::unique_ptr<Decoding> open(const Tensor& latents, const DecodeOptions& options) const override;

    std::unique_ptr<const Network> network_;
};

/// A picture to a sample of the latents that it may be.
class CogVideoXEncoder {
  public:
    CogVideoXEncoder(const Scope& scope, const CogVideoXVaeConfig& config);
    ~CogVideoXEncoder();

    /// picture [1, Y, X, 3] f32 in -1..1 -> [C, 1, Y / f, X / f] f32, on the VAE's own scale.
    Tensor sample(const Context& context, const Tensor& picture, Noise& noise) const;

  private:
    struct Network;
    std::unique_ptr<const Network> network_;
};

}  // namespace kine::dit
