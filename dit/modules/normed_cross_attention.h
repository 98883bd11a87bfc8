// Attention of every token to the text, with RMS norms of queries and keys over all heads together (Wan).
#pragma once

#include "dit/modules/attention.h"

namespace kine::dit {

class NormedCrossAttention {
  public:
    /// Binds to_q, to_k, to_v, to_out.0, norm_q and norm_k under `scope`; text of `shape`'s own width.
    NormedCrossAttention(const Scope& scope, const AttentionShape& shape, double eps);

    /// They depend on the prompt only, so they are made once a run. [B, L, C] -> [B, L, 2C]
    Tensor keys_and_values(const Context& context, const Tensor& text) const;
    Tensor operator()(const Context& context, const Tensor& x, const Tensor& keys_and_values) const;

  private:
    AttentionShape shape_;
    float eps_;
    Tensor query_norm_, key_norm_;  // [C] f32
    Linear query_;
    Linear key_value_;
    Linear out_;
};

}  // namespace kine::dit
