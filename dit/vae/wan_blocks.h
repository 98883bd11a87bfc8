// The parts of Wan's VAE, on clips with channels last [F, Y, X, C] that come chunk by chunk (causal_conv.h).
#pragma once

#include "dit/vae/causal_conv.h"
#include "kernels/linear/linear.h"
#include "runtime/weights.h"

#include <optional>
#include <stop_token>
#include <vector>

namespace kine::dit {

/// Binds scope.weight [out, in, side, side] and bias; keeps the size.
kernels::ConvWeight bind_picture_conv(const Scope& scope, int64_t in_channels, int64_t out_channels, int64_t side);

/// x / |x| * sqrt(C) * gamma over the channels of a pixel, then SiLU.
class PixelNorm {
  public:
    PixelNorm(const Scope& scope, const Shape& shape);
    Tensor operator()(const Context& context, const Tensor& x) const;  ///< the norm alone
    Tensor with_silu(const Context& context, const Tensor& x) const;

  private:
    Tensor gamma_;  // [C]
};

/// x + conv(silu(norm(conv(silu(norm(x)))))), with a 1x1 convolution of x where the channels change.
class CausalResnet {
  public:
    CausalResnet(const Scope& scope, int64_t in_channels, int64_t out_channels, TimeTaps taps);
    Tensor operator()(const Context& context, Tensor x, FrameMemory& memory) const;
    /// Elements held at once for each pixel of `frames` frames, x and the result included.
    int64_t peak_channels(int64_t frames) const;

  private:
    int64_t in_channels_;
    int64_t out_channels_;
    PixelNorm norm1_;
    CausalConv conv1_;
    PixelNorm norm2_;
    CausalConv conv2_;
    kernels::ConvWeight shortcut_;
};

/// Residual, attention among the pixels of each frame with one head, residual.
class CausalMid {
  public:
    CausalMid(const Scope& scope, int64_t channels, TimeTaps taps);
    Tensor operator()(const Context& context, Tensor x, FrameMemory& memory, const std::stop_token& stop) const;
    int64_t peak_channels(int64_t frames) const;

  private:
    Tensor attend(const Context& context, Tensor x, BandLinks* links) const;

    int64_t channels_;
    CausalResnet first_;
    PixelNorm norm_;
    kernels::LinearWeight qkv_, out_;
    CausalResnet second_;
};

/// Twice the size; twice the frames where it `doubles_time`, except that a video's first frame stays one.
class CausalUpsample {
  public:
    CausalUpsample(const Scope& scope, int64_t in_channels, int64_t out_channels, bool doubles_time);
    Tensor operator()(const Context& context, Tensor x, FrameMemory& memory) const;
    bool doubles_time() const { return time_.has_value(); }

  private:
    Tensor double_time(const Context& context, const Tensor& x, FrameMemory& memory) const;

    std::optional<CausalConv> time_;
    kernels::ConvWeight conv_;
};

/// One level of the decoder.
struct WanUpShape {
    int64_t in_channels = 0;
    int64_t out_channels = 0;
    int64_t resnets = 0;
    bool upsamples = false;
    bool doubles_time = false;
    bool is_residual = false;  ///< Wan 2.2: keeps the channels when upsampling, and adds a shortcut around the level
};

class WanUpLevel {
  public:
    WanUpLevel(const Scope& scope, const WanUpShape& shape);
    Tensor operator()(const Context& context, Tensor x, FrameMemory& memory, const std::stop_token& stop) const;
    int64_t peak_channels(int64_t frames) const;  ///< for each pixel before upsampling, of `frames` frames together
    const WanUpShape& shape() const { return shape_; }
    int64_t left_channels() const;  ///< of what leaves

  private:
    Tensor shortcut(const Context& context, const Tensor& x, const FrameMemory& memory) const;

    WanUpShape shape_;
    std::vector<CausalResnet> resnets_;
    std::optional<CausalUpsample> upsample_;
};

}  // namespace kine::dit
