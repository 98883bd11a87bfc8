// The causal 3-D decoder of OpenSora-VAE-v1.2, on the channels-last frames [F, Y, X, C] of one group.
#pragma once

#include "dit/vae/blocks.h"
#include "dit/vae/open_sora_vae.h"

namespace kine::dit {

/// Norm, SiLU, convolution, twice; statistics run over all frames of the group.
class CausalResnetBlock {
  public:
    CausalResnetBlock(const Scope& scope, int64_t in_channels, int64_t out_channels, int64_t groups);
    Tensor operator()(const Context& context, Tensor x) const;
    int64_t peak_channels() const;

  private:
    int64_t in_channels_;
    int64_t out_channels_;
    GroupNorm norm1_;
    kernels::ConvWeight conv1_;
    GroupNorm norm2_;
    kernels::ConvWeight conv2_;
    kernels::ConvWeight shortcut_;  // none where the channels stay
};

/// Residual blocks, then twice the frames where the level was halved in encoding.
class CausalUpLevel {
  public:
    struct Widths {
        int64_t in_channels = 0;
        int64_t out_channels = 0;
    };
    CausalUpLevel(const Scope& decoder, const TemporalVaeConfig& config, size_t level, Widths widths);
    Tensor operator()(const Context& context, Tensor x, const std::stop_token& stop) const;
    int64_t peak_channels() const;  ///< for each latent pixel of each frame before doubling
    bool doubles_frames() const { return static_cast<bool>(double_frames_); }

  private:
    std::vector<CausalResnetBlock> blocks_;
    kernels::ConvWeight double_frames_;
};

/// Latents of one group to the latents of its frames, which the 2-D part decodes.
class TemporalDecoder {
  public:
    TemporalDecoder(const Scope& scope, const TemporalVaeConfig& config);

    /// z [T, Y, X, C] in the weights' dtype -> [T x factor, Y, X, C'].
    Tensor operator()(const Context& context, Tensor z, const std::stop_token& stop) const;
    /// Most elements held at once for each latent pixel of a group of `latent_frames`.
    int64_t peak_elements(int64_t latent_frames) const;

  private:
    kernels::ConvWeight post_quant_;
    kernels::ConvWeight conv_in_;
    std::vector<CausalResnetBlock> middle_;
    std::vector<CausalUpLevel> levels_;  // lowest first
    GroupNorm norm_out_;
    kernels::ConvWeight conv_out_;
};

}  // namespace kine::dit
