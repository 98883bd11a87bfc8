// LatteT2V (Ma et al., arXiv 2401.03048, variant 1): pairs of a spatial block with cross attention and a temporal
// block.
#pragma once

#include "dit/families/family.h"
#include "dit/families/latte/config.h"
#include "dit/modules/attention.h"
#include "dit/modules/feed_forward.h"
#include "dit/modules/modulation.h"
#include "dit/modules/residual.h"
#include "dit/modules/timestep_embedding.h"

#include <vector>

namespace kine::dit::latte {

/// Attention among the patches of a frame, attention to the text, MLP.
class SpatialBlock {
  public:
    SpatialBlock(const Scope& scope, const Config& config, int index);

    Tensor text_keys_and_values(const Context& context, const Tensor& text) const {
        return cross_attention_.keys_and_values(context, text);
    }
    Residual operator()(const StepContext& step, Residual x, const Tensor& text, const Tensor& time) const;

  private:
    broadcast::Site self_, cross_, mlp_;
    float eps_;
    Tensor table_;  // [6, C]
    SelfAttention attention_;
    CrossAttention cross_attention_;
    FeedForward feed_forward_;
};

/// Attention among the frames of a patch, MLP.
class TemporalBlock {
  public:
    TemporalBlock(const Scope& scope, const Config& config, int index);

    Residual operator()(const StepContext& step, Residual x, const Tensor& time) const;

  private:
    broadcast::Site self_, mlp_;
    float eps_;
    Tensor table_;  // [6, C]
    SelfAttention attention_;
    FeedForward feed_forward_;
};

class LatteTransformer final : public Transformer {
  public:
    LatteTransformer(const Scope& scope, const Config& config);

    Shape token_shape(const Shape& latents, int64_t branches) const override;
    TransformerCost cost(const Shape& latents, int64_t branches) const override;
    std::unique_ptr<Prepared> prepare(const Context& context, const Conditioning& conditioning, const VideoSize& size,
                                      std::span<const double> timesteps) const override;
    Moment moment(const StepContext& step, const Prepared& prepared) const override;
    Tensor predict(const StepContext& step, const Prepared& prepared, const Moment& moment,
                   const Tensor& latents) const override;

    const Config& config() const { return config_; }

  private:
    Tensor embed(const StepContext& step, const Prepared& prepared, const Tensor& latents) const;
    /// The temporal table, added once, before the first temporal block.
    Tensor add_frame_positions(const StepContext& step, const Prepared& prepared, Tensor x) const;
    Tensor project_out(const StepContext& step, const Tensor& embedded, Residual x, const Shape& latents) const;

    Config config_;
    DType dtype_;
    Linear patch_;
    AdaLayerNormSingle time_;
    Linear caption_in_, caption_out_;
    std::vector<SpatialBlock> spatial_;
    std::vector<TemporalBlock> temporal_;
    Tensor final_table_;  // [2, C]
    Linear out_;
};

}  // namespace kine::dit::latte
