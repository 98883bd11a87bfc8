// The parts of CogVideoX's VAE (arXiv 2408.06072, section 2.1), on clips with channels last [F, Y, X, C]. Group norms
// take their statistics over all frames of a clip: how a video is cut into clips is part of the model.
#pragma once

#include "dit/modules/linear.h"
#include "dit/vae/blocks.h"
#include "dit/vae/causal_conv.h"

#include <optional>
#include <vector>

namespace kine::dit {

/// What a norm stands on: its groups, its epsilon where it is plain, and the channels of the latents that modulate it
/// where it is the decoder's, 0: none do.
struct ClipNormShape {
    int64_t groups = 32;
    int64_t latent_channels = 0;
    float eps = 1e-6f;
};

/// Group norm of a clip, modulated by the clip's own latents at the nearest pixel, then SiLU.
class ClipNorm {
  public:
    ClipNorm(const Scope& scope, int64_t channels, const ClipNormShape& shape);
    /// z [Z, y, x, Cz]: the latents of this clip; empty for a plain norm.
    Tensor with_silu(const Context& context, const Tensor& x, const Tensor& z) const;

  private:
    GroupNorm norm_;
    std::optional<Linear> condition_;  // [factor | offset] of a pixel of the latents
};

/// Which frame of a clip's `latents` frames each of its `frames` grown ones came from.
std::vector<int64_t> latent_frames(int64_t frames, int64_t latents);

/// A convolution of 3 frames and 3 x 3 pixels, the first frame repeated in front of a video.
CausalConv bind_clip_conv(const Scope& scope, int64_t in_channels, int64_t out_channels);

/// x + conv(silu(norm(conv(silu(norm(x)))))), with a 1x1 convolution of x where the channels change.
class ClipResnet {
  public:
    ClipResnet(const Scope& scope, int64_t in_channels, int64_t out_channels, const ClipNormShape& norm);
    Tensor operator()(const Context& context, Tensor x, const Tensor& z, FrameMemory& memory) const;
    /// Elements held at once for each pixel of `frames` frames, x and the result included.
    int64_t peak_channels(int64_t frames) const;
    /// Elements that its convolutions keep for each pixel.
    int64_t kept_channels() const { return 2 * (in_channels_ + out_channels_); }

  private:
    int64_t in_channels_;
    int64_t out_channels_;
    ClipNorm norm1_;
    CausalConv conv1_;
    ClipNorm norm2_;
    CausalConv conv2_;
    kernels::ConvWeight shortcut_;
};

/// Frames after one doubling of time: an odd number, if more than one, keeps its first frame single.
int64_t doubled_frames(int64_t frames);

/// One level of the decoder.
struct ClipLevelShape {
    int64_t in_channels = 0;
    int64_t out_channels = 0;
    int64_t resnets = 0;
    bool resizes = false;
    bool doubles_time = false;
};

/// Residual blocks, then twice the size and perhaps twice the frames.
class ClipUpLevel {
  public:
    ClipUpLevel(const Scope& scope, const ClipLevelShape& shape, const ClipNormShape& norm);
    Tensor operator()(const Context& context, Tensor x, const Tensor& z, FrameMemory& memory,
                      const std::stop_token& stop) const;
    int64_t peak_channels(int64_t frames) const;  ///< for each pixel before resizing, of `frames` frames together
    int64_t kept_channels() const;
    const ClipLevelShape& shape() const { return shape_; }
    int64_t frames_after(int64_t frames) const { return shape_.doubles_time ? doubled_frames(frames) : frames; }

  private:
    ClipLevelShape shape_;
    std::vector<ClipResnet> resnets_;
    std::optional<Upsample> upsample_;
};

}  // namespace kine::dit
