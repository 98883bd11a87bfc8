// Multi-head attention over one axis of the tokens, or over text. Tokens stay [B, T, S, C]: which axis is attended is a
// matter of views, never of copies.
#pragma once

#include "dit/modules/linear.h"
#include "dit/modules/step_context.h"

namespace kine::dit {

enum class AttendedAxis { Patches, Frames };

struct AttentionShape {
    int64_t heads = 1;
    int64_t head_size = 1;
    bool has_bias = true;  ///< of the query, key and value projections

    int64_t channels() const { return heads * head_size; }
};

/// Self attention among the patches of a frame or among the frames of a patch.
class SelfAttention {
  public:
    /// Binds to_q, to_k, to_v, to_out.0 under `scope`.
    SelfAttention(const Scope& scope, const AttentionShape& shape, AttendedAxis axis);

    /// Tokens as the site hands them over: the attended axis is whole, unless the ranks' strategy leaves tokens where
    /// they live and moves heads, or keys and values, instead.
    Tensor operator()(const StepContext& step, const Tensor& x) const;  // [B, T, S, C] -> same

  private:
    Tensor attend_passing(const StepContext& step, const Tensor& qkv) const;
    Tensor attend(const Context& context, const Tensor& q, const Tensor& keys_and_values) const;

    AttentionShape shape_;
    AttendedAxis axis_;
    Linear qkv_;
    Linear out_;
};

/// Attention of every token to the text. Keys and values depend on the prompt only, so they are made once a run.
class CrossAttention {
  public:
    CrossAttention(const Scope& scope, const AttentionShape& shape, int64_t text_channels);

    Tensor keys_and_values(const Context& context, const Tensor& text) const;  // [B, L, Ct] -> [B, L, 2C]
    Tensor operator()(const Context& context, const Tensor& x, const Tensor& keys_and_values) const;

  private:
    AttentionShape shape_;
    Linear query_;
    Linear key_value_;
    Linear out_;
};

}  // namespace kine::dit
