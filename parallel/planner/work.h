// What a run asks of its ranks, as far as a strategy is concerned: sizes, and how much of what is computed. What a
// reuse policy skips is not in it, so reused sites cost neither time nor bytes.
#pragma once

#include "runtime/tensor/shape.h"

namespace kine::parallel {

/// Attention of one kind, over all blocks and steps of a run.
struct AttentionWork {
    int64_t calls = 0;          ///< that compute
    double linear_macs = 0;     ///< of their projections
    double attention_macs = 0;  ///< of scores and mixed values
};

struct Work {
    Shape tokens = {};  ///< [B, T, S, C]
    int64_t heads = 1;
    int64_t element_bytes = 4;
    int64_t steps = 1;
    int64_t output_channels = 1;  ///< of the last linear layer, whose result is gathered every step
    AttentionWork spatial = {};
    AttentionWork temporal = {};
    AttentionWork joint = {};  ///< of all tokens to one another
    int64_t text_tokens = 0;   ///< of each branch, which every rank has and which joint attention sees too
    /// f32 sums of each token that ranks with some heads each must add up before they attend: what norms of queries and
    /// keys over all heads ask for.
    int64_t sums_over_heads = 0;
    double other_macs = 0;  ///< token by token: cross attention, MLP, first and last layers

    // Bytes on one rank that had everything.
    int64_t weight_bytes = 0;
    int64_t activation_bytes = 0;
    int64_t cache_bytes = 0;
    int64_t decode_bytes = 0;  ///< of decoding afterwards, on a rank that decodes
};

/// The ranks that share one sequence of tokens.
struct Sequence {
    Sequence(int count, int neighbours = 0) : ranks(count), group(neighbours) {}

    int ranks;
    int group;  ///< ranks of a group, for strategies that know groups; 0: default_group()
};

/// Of a run of two guidance branches, what the ranks of one of them have.
Work one_branch(const Work& both);
/// Bytes that the last linear layer gives in a step, over all tokens.
int64_t output_bytes(const Work& work);

}  // namespace kine::parallel
