// How the tokens of one attention meet that ranks share out: which of queries, keys, values and heads travel is the
// strategy's matter, and no model's. A model projects the tokens that live here and gets back what they found.
#pragma once

#include "dit/modules/step_context.h"
#include "kernels/rope/query_key.h"

namespace kine::dit {

/// Queries, keys and values of this rank's tokens: [B, T, S, 3, H, D], and those of text tokens that
/// every rank has and that come first in the row of keys, [B, 1, L, 3, H, D]; empty: none.
struct Projected {
    Tensor video;
    Tensor text;
};

/// What queries and keys of the video have yet to go through: the steps of kernels::place_heads. `turns` [T or 1, S or
/// 1, D] of these tokens.
struct Placing {
    kernels::HeadNorms norms = {};
    Tensor turns = {};
};

/// [B, T, S, H, D] and [B, 1, L, H, D], contiguous.
struct Mixed {
    Tensor video;
    Tensor text;
};

/// The layout in which a site's attention gets its tokens: resident ones where heads, or keys and values, travel
/// instead.
parallel::Layout tokens_for(const parallel::Strategy& strategy, parallel::Attended attended);

/// Tokens in the layout tokens_for(); every rank must call, also one without tokens. Strategies that only move values
/// give the bits of one rank. Text, which only attention of all tokens has, comes out the same on every rank.
/// `projected` may be written over.
Mixed attend_among_ranks(const StepContext& step, parallel::Attended attended, const Projected& projected,
                         const Placing& placing = {});

/// The same where this rank has all that its queries see.
Mixed attend_here(const Context& context, parallel::Attended attended, const Projected& here,
                  const Placing& placing = {});

}  // namespace kine::dit
