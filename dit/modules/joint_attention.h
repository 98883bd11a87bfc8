// Attention of all tokens of a video to one another, with normed queries and keys and rotary positions (Wan; Su et al.
// 2021). No axis of the tokens can stay split while every token sees every other: ranks share out heads, or move keys
// and values, as the strategy says.
#pragma once

#include "dit/modules/attention.h"
#include "dit/modules/step_context.h"

namespace kine::dit {

class JointAttention {
  public:
    /// Binds to_q, to_k, to_v, to_out.0, norm_q and norm_k under `scope`; the norms span all heads together.
    JointAttention(const Scope& scope, const AttentionShape& shape, double eps);

    /// x: this rank's part of [B, T, S, C]; turns f32 [T, S, D] as projected_grid() gives them. Every rank must call,
    /// also one without tokens.
    Tensor operator()(const StepContext& step, const Tensor& x, const Tensor& turns) const;

  private:
    Tensor projected(const Context& context, const Tensor& x, const Tensor& turns) const;
    Tensor sum_of_heads(const StepContext& step, const Tensor& tokens, const Tensor& turns) const;
    void place(const Context& context, const Tensor& qkv, const Tensor& turns, parallel::Range heads,
               const Tensor& squares = {}) const;

    AttentionShape shape_;
    float eps_;
    Tensor query_norm_, key_norm_;  // [C] f32
    Linear qkv_;
    Linear out_;
};

}  // namespace kine::dit
