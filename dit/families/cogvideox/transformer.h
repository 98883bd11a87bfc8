// CogVideoXTransformer3DModel (Yang et al. 2024, arXiv 2408.06072): blocks of attention over text and video tokens in
// one row, and MLP, with a modulation of its own for each of the two.
#pragma once

#include "dit/families/cogvideox/config.h"
#include "dit/families/cogvideox/patches.h"
#include "dit/families/cogvideox/positions.h"
#include "dit/families/family.h"
#include "dit/modules/feed_forward.h"
#include "dit/modules/modulation.h"
#include "dit/modules/timestep_embedding.h"
#include "dit/modules/token_streams.h"
#include "dit/modules/two_stream_attention.h"
#include "kernels/norm/norm.h"

#include <optional>
#include <vector>

namespace kine::dit::cogvideox {

/// Expert adaptive layer norm: one norm, a modulation for each stream.
class StreamNorm {
  public:
    StreamNorm(const Scope& scope, const Config& config);

    struct Modulation {
        StreamNorms norms;
        StreamGates gates;
    };
    Modulation operator()(const Context& context, const Tensor& time) const;

  private:
    int64_t channels_;
    Linear linear_;
    kernels::NormWeights norm_;
};

class Block {
  public:
    Block(const Scope& scope, const Config& config, int index);

    /// `time` [B, E] after SiLU; `turns` this rank's part of [T, S, D], or empty.
    ResidualStreams operator()(const StepContext& step, ResidualStreams x, const Tensor& time,
                               const Tensor& turns) const;

  private:
    broadcast::Site joint_, mlp_;
    StreamNorm norm1_;
    TwoStreamAttention attention_;
    StreamNorm norm2_;
    FeedForward feed_forward_;
};

/// The embedded timestep, and the constant of the second clock where the model has one.
class Clock {
  public:
    Clock(const Scope& scope, const Config& config);

    /// Of each timestep [branches, E] of the scope's dtype, after SiLU.
    std::vector<Tensor> operator()(const Context& context, std::span<const double> timesteps, int64_t branches) const;

  private:
    DType dtype_;
    SinusoidMlp time_;
    std::optional<SinusoidMlp> offset_;
};

class CogVideoXTransformer final : public Transformer {
  public:
    CogVideoXTransformer(const Scope& scope, const Config& config);

    Shape token_shape(const Shape& latents, int64_t branches) const override;
    TransformerCost cost(const Shape& latents, int64_t branches) const override;
    std::unique_ptr<Prepared> prepare(const Context& context, const Conditioning& conditioning, const VideoSize& size,
                                      std::span<const double> timesteps) const override;
    Moment moment(const StepContext& step, const Prepared& prepared) const override;
    Tensor predict(const StepContext& step, const Prepared& prepared, const Moment& moment,
                   const Tensor& latents) const override;

  private:
    Tensor project_out(const StepContext& step, const Tensor& time, Residual x, const Shape& latents) const;

    Config config_;
    DType dtype_;
    Clock clock_;
    Patches patches_;
    Linear text_;
    PositionTables positions_;
    std::vector<Block> blocks_;
    kernels::NormWeights final_norm_;
    kernels::NormWeights out_norm_;
    Linear out_modulation_;
};

}  // namespace kine::dit::cogvideox
