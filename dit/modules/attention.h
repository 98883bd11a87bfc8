// Multi-head attention over one axis of the tokens, or over text. Tokens stay [B, T, S, C]: which axis is attended is a
// matter of views, never of copies.
#pragma once

#include "dit/modules/linear.h"
#include "dit/modules/step_context.h"
#include "kernels/rope/query_key.h"

namespace kine::dit {

enum class AttendedAxis { Patches, Frames };

struct AttentionShape {
    int64_t heads = 1;
    int64_t head_size = 1;
    bool has_bias = true;  ///< of the query, key and value projections

    int64_t channels() const { return heads * head_size; }
};

/// The layers of a self attention, for models whose files name them differently.
struct SelfAttentionLayers {
    Linear qkv;  ///< outputs [q | k | v]
    Linear out;
    kernels::HeadNorms norm = {};  ///< of queries and keys before they meet
};

/// Self attention among the patches of a frame or among the frames of a patch.
class SelfAttention {
  public:
    /// Binds to_q, to_k, to_v, to_out.0 under `scope`.
    SelfAttention(const Scope& scope, const AttentionShape& shape, AttendedAxis axis);
    SelfAttention(SelfAttentionLayers layers, const AttentionShape& shape, AttendedAxis axis);

    /// Tokens as the site hands them over: the attended axis is whole, unless the ranks' strategy leaves tokens where
    /// they live and moves heads, or keys and values, instead. [B, T, S, C] -> same. `turns` [T or 1, S or 1, D] of the
    /// whole tokens rotate queries and keys as in kernels/rope; empty: none.
    Tensor operator()(const StepContext& step, const Tensor& x, const Tensor& turns = {}) const;

  private:
    Tensor sum_of_heads(const StepContext& step, const Tensor& x, const Tensor& turns) const;

    AttentionShape shape_;
    AttendedAxis axis_;
    SelfAttentionLayers layers_;
};

/// The layers of a cross attention, likewise.
struct CrossAttentionLayers {
    Linear query;
    Linear key_value;  ///< outputs [k | v]
    Linear out;
};

/// Attention of every token to the text. Keys and values depend on the prompt only, so they are made once a run.
class CrossAttention {
  public:
    CrossAttention(const Scope& scope, const AttentionShape& shape, int64_t text_channels);
    CrossAttention(CrossAttentionLayers layers, const AttentionShape& shape);

    Tensor keys_and_values(const Context& context, const Tensor& text) const;  // [B, L, Ct] -> [B, L, 2C]
    Tensor operator()(const Context& context, const Tensor& x, const Tensor& keys_and_values) const;

  private:
    AttentionShape shape_;
    CrossAttentionLayers layers_;
};

}  // namespace kine::dit
