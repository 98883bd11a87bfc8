// STDiT3 (Zheng et al., Open-Sora 1.2): pairs of a spatial and a temporal block, both with cross attention to the text.
#pragma once

#include "dit/families/family.h"
#include "dit/families/open_sora/config.h"
#include "dit/modules/attention.h"
#include "dit/modules/feed_forward.h"
#include "dit/modules/modulation.h"
#include "dit/modules/residual.h"
#include "dit/modules/timestep_embedding.h"

#include <vector>

namespace kine::dit::open_sora {

/// The sites of a block: what it is called in plans and caches.
struct BlockSites {
    broadcast::Site self;
    broadcast::Site cross;
    broadcast::Site mlp;
};

/// Attention among the patches of a frame, or among the frames of a patch; attention to the text; MLP.
class Block {
  public:
    Block(const Scope& scope, const Config& config, AttendedAxis axis, const BlockSites& sites);

    Tensor text_keys_and_values(const Context& context, const Tensor& text) const {
        return cross_attention_.keys_and_values(context, text);
    }
    /// `turns` rotate queries and keys; empty: none.
    Residual operator()(const StepContext& step, Residual x, const Tensor& text, const Tensor& time,
                        const Tensor& turns) const;

  private:
    BlockSites sites_;
    Tensor table_;  // [6, C]
    SelfAttention attention_;
    CrossAttention cross_attention_;
    FeedForward feed_forward_;
};

class Stdit3 final : public Transformer {
  public:
    Stdit3(const Scope& scope, const Config& config);

    Shape token_shape(const Shape& latents, int64_t branches) const override;
    TransformerCost cost(const Shape& latents, int64_t branches) const override;
    std::unique_ptr<Prepared> prepare(const Context& context, const Conditioning& conditioning, const VideoSize& size,
                                      std::span<const double> timesteps) const override;
    Moment moment(const StepContext& step, const Prepared& prepared) const override;
    Tensor predict(const StepContext& step, const Prepared& prepared, const Moment& moment,
                   const Tensor& latents) const override;

    /// The learned caption of the branch without a prompt, [tokens, caption channels].
    const Tensor& null_caption() const { return null_caption_; }

  private:
    Tensor project_text(const Context& context, const Conditioning& conditioning) const;
    Tensor embed(const StepContext& step, const Prepared& prepared, const Tensor& latents) const;
    Tensor project_out(const StepContext& step, const Tensor& embedded, Residual x, const Shape& latents) const;

    Config config_;
    DType dtype_;
    Linear patch_;
    SinusoidMlp time_;
    SinusoidMlp frame_rate_;
    Linear modulation_;
    Tensor null_caption_;
    Linear caption_in_, caption_out_;
    Tensor frequencies_;  // [D / 2]
    std::vector<Block> spatial_;
    std::vector<Block> temporal_;
    Tensor final_table_;  // [2, C]
    Linear out_;
};

}  // namespace kine::dit::open_sora
