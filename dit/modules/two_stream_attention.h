// Attention of text and video tokens to one another in one row, the text first, with layer norms of each head's queries
// and keys (CogVideoX). Each rank attends with the queries of its own video tokens and of the text, to the keys and
// values of all: the same bits on any number of ranks, as in JointAttention. Where ranks share out weights, each
// attends with its heads of all tokens, and their results are summed.
#pragma once

#include "dit/modules/attention.h"
#include "dit/modules/token_streams.h"

namespace kine::dit {

class TwoStreamAttention {
  public:
    /// Binds to_q, to_k, to_v, to_out.0, norm_q and norm_k under `scope`; the norms are of one head and serve all.
    TwoStreamAttention(const Scope& scope, const AttentionShape& shape);

    /// Packed output of both streams. `turns` f32 [T, S, D] as projected_grid() gives them rotate queries and keys of
    /// the video only; empty: none. Every rank must call, also one without video tokens.
    Tensor operator()(const StepContext& step, const TokenStreams& x, const Tensor& turns) const;

  private:
    TokenStreams projected(const Context& context, const Linear& qkv, const TokenStreams& x, const Tensor& turns) const;
    void place(const Context& context, const Tensor& qkv, const Tensor& turns) const;
    Tensor part_of_heads(const StepContext& step, const TokenStreams& all, const Tensor& turns) const;
    Tensor sum_of_heads(const StepContext& step, const TokenStreams& x, const Tensor& turns) const;

    AttentionShape shape_;
    kernels::HeadNorms norms_;  // layer norms
    Linear qkv_;
    Linear out_;
};

}  // namespace kine::dit
