// WanTransformer3DModel (Wan Team 2025, arXiv 2503.20314): blocks of joint attention over all tokens, attention to the
// text, and MLP, told the time by adaLN-single. Wan 2.2 A14B has two of them, one for much noise and one for little.
#pragma once

#include "dit/families/family.h"
#include "dit/families/wan/config.h"
#include "dit/modules/feed_forward.h"
#include "dit/modules/joint_attention.h"
#include "dit/modules/modulation.h"
#include "dit/modules/normed_cross_attention.h"
#include "dit/modules/residual.h"

#include <optional>
#include <vector>

namespace kine::dit::wan {

class Block {
  public:
    Block(const Scope& scope, const Config& config, int index);

    Tensor text_keys_and_values(const Context& context, const Tensor& text) const {
        return cross_attention_.keys_and_values(context, text);
    }
    /// `time` [G, 6, C], G one row for each branch, or for each branch and frame of this rank; `turns` its [T, S, D].
    Residual operator()(const StepContext& step, Residual x, const Tensor& text, const Tensor& time,
                        const Tensor& turns) const;

  private:
    broadcast::Site self_, cross_, mlp_;
    float eps_;
    Tensor table_;                      // [6, C]
    Tensor cross_weight_, cross_bias_;  // [C]
    JointAttention attention_;
    NormedCrossAttention cross_attention_;
    FeedForward feed_forward_;
};

/// Modulation of one timestep or several: [K, 6, C] and [K, C], f32.
struct TimeRows {
    Tensor modulation;
    Tensor embedded;
};

/// One transformer: an expert of A14B, or all there is of the others.
class Expert {
  public:
    Expert(const Scope& scope, const Config& config);

    /// Keys and values of every block [B, L, 2C].
    std::vector<Tensor> text_of(const Context& context, const Tensor& states) const;
    TimeRows time_of(const Context& context, std::span<const double> timesteps) const;
    /// What of the run an expert's blocks are told.
    struct Told {
        const std::vector<Tensor>& text;
        Tensor turns;  // this rank's part of [T, S, D]
    };
    /// latents [B, C, T, Y, X] -> prediction of the same shape. The moment's rows are [G, 6, C] and [G, C].
    Tensor predict(const StepContext& step, const Told& told, const Moment& moment, const Tensor& latents) const;

  private:
    Tensor project_out(const StepContext& step, const Tensor& embedded, Residual x, const Shape& latents) const;

    Config config_;
    DType dtype_;
    Linear patch_;
    Linear time_in_, time_out_, time_project_;
    Linear text_in_, text_out_;
    std::vector<Block> blocks_;
    Tensor final_table_;  // [2, C]
    Linear out_;
};

struct WanPrepared;
struct ExpertPrepared;

/// Which expert serves a timestep: the first, or the second where that is below the boundary. 0: the first alone.
struct ExpertBoundary {
    double timestep = 0;

    size_t expert_at(double asked) const { return asked < timestep ? 1 : 0; }
};

/// One expert, or two.
class WanTransformer final : public Transformer {
  public:
    WanTransformer(ExpertBoundary boundary, const Config& config, DType dtype)
        : boundary_(boundary), config_(config), dtype_(dtype) {}

    /// The first one stands before the second comes; null: not in memory.
    void set_expert(size_t which, std::optional<Expert> expert);

    Shape token_shape(const Shape& latents, int64_t branches) const override;
    TransformerCost cost(const Shape& latents, int64_t branches) const override;
    std::unique_ptr<Prepared> prepare(const Context& context, const Conditioning& conditioning, const VideoSize& size,
                                      std::span<const double> timesteps) const override;
    Moment moment(const StepContext& step, const Prepared& prepared) const override;
    Tensor predict(const StepContext& step, const Prepared& prepared, const Moment& moment,
                   const Tensor& latents) const override;

  private:
    const ExpertPrepared& under_expert(const Context& context, const WanPrepared& prepared, size_t expert) const;

    std::vector<std::optional<Expert>> experts_;
    ExpertBoundary boundary_;
    Config config_;
    DType dtype_;
};

}  // namespace kine::dit::wan
