// The parts that AutoencoderKL's encoder and decoder are made of, on channels-last pictures [N, Y, X, C].
// Arguments come by value so that a caller can hand its only handle over: at the widest level every live tensor counts.
#pragma once

#include "dit/modules/linear.h"
#include "kernels/conv/conv.h"
#include "runtime/weights.h"

#include <optional>
#include <stop_token>
#include <vector>

namespace kine::dit {

/// Throws ErrorCode::Interrupted once a stop was requested; asked before every block.
void check_running(const std::stop_token& stop);

/// Binds scope.weight [out, in, side, side] and scope.bias; keeps the size for odd sides at stride 1.
kernels::ConvWeight bind_conv(const Scope& scope, int64_t in_channels, int64_t out_channels, int64_t side);

class GroupNorm {
  public:
    /// Every AutoencoderKL has the same epsilon.
    GroupNorm(const Scope& scope, int64_t channels, int64_t groups, float eps = 1e-6f);
    Tensor operator()(const Context& context, const Tensor& x,
                      kernels::Activation activation = kernels::Activation::None) const;

  private:
    Tensor weight_;
    Tensor bias_;
    int64_t groups_;
    float eps_;
};

/// x + conv(silu(norm(conv(silu(norm(x)))))), with a 1x1 convolution of x where the channels change.
class ResnetBlock {
  public:
    ResnetBlock(const Scope& scope, int64_t in_channels, int64_t out_channels, int64_t groups);
    Tensor operator()(const Context& context, Tensor x) const;
    /// Most elements held at once for each pixel, x and the result included.
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

/// x + attention(norm(x)) over all pixels of a picture, one head of all channels.
class PixelAttention {
  public:
    PixelAttention(const Scope& scope, int64_t channels, int64_t groups);
    Tensor operator()(const Context& context, Tensor x) const;
    int64_t peak_channels() const { return 5 * channels_; }  // x, packed qkv, and the norm or the mixed values

  private:
    int64_t channels_;
    GroupNorm norm_;
    Linear qkv_;
    Linear out_;
};

/// The lowest level: residual, attention if the model has it, residual.
class MidBlock {
  public:
    MidBlock(const Scope& scope, int64_t channels, int64_t groups, bool has_attention);
    Tensor operator()(const Context& context, Tensor x, const std::stop_token& stop) const;
    int64_t peak_channels() const;

  private:
    ResnetBlock first_;
    std::optional<PixelAttention> attention_;
    ResnetBlock second_;
};

/// Twice the size by repeating pixels, then a 3x3 convolution.
class Upsample {
  public:
    Upsample(const Scope& scope, int64_t channels);
    Tensor operator()(const Context& context, Tensor x) const;
    int64_t peak_channels() const { return 8 * conv_.out_channels(); }  // for each pixel of x: the large picture twice

  private:
    kernels::ConvWeight conv_;
};

/// Half the size by a 3x3 convolution of stride 2, padded below and on the right only.
class Downsample {
  public:
    Downsample(const Scope& scope, int64_t channels);
    Tensor operator()(const Context& context, const Tensor& x) const;

  private:
    kernels::ConvWeight conv_;
};

/// The widths of one level and what it ends with.
struct LevelShape {
    int64_t in_channels = 0;
    int64_t out_channels = 0;
    int64_t resnets = 0;
    int64_t groups = 0;
    bool resizes = false;
};

/// Residual blocks of one level of the decoder, then twice the size except at the last.
class UpLevel {
  public:
    UpLevel(const Scope& scope, const LevelShape& shape);
    Tensor operator()(const Context& context, Tensor x, const std::stop_token& stop) const;
    int64_t peak_channels() const;  ///< for each pixel before resizing
    bool resizes() const { return upsample_.has_value(); }

  private:
    std::vector<ResnetBlock> resnets_;
    std::optional<Upsample> upsample_;
};

/// Residual blocks of one level of the encoder, then half the size except at the last.
class DownLevel {
  public:
    DownLevel(const Scope& scope, const LevelShape& shape);
    Tensor operator()(const Context& context, Tensor x) const;

  private:
    std::vector<ResnetBlock> resnets_;
    std::optional<Downsample> downsample_;
};

}  // namespace kine::dit
