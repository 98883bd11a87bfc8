// Softmax attention without an S x S matrix: online softmax over key blocks (FlashAttention, Dao et al. 2022).
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

struct AttentionOptions {
    float scale = 0.0f;  ///< of q.k; 0 means 1 / sqrt(D)
    /// Added to the scores: [H, Lq, Lk], f32, the same for every batch (relative position bias). Empty: none.
    Tensor bias = {};
    /// Keys that may be attended: u8 [B1, Lk], 1 keeps and 0 drops; every query must keep at least one key. Empty: all.
    Tensor key_mask = {};
    /// Written where there is one, contiguous f32 [B1, B2, Lq, H]: the log of each query's sum of exponentials, by
    /// which attention to parts of the keys is merged (merge.h).
    Tensor log_sums = {};
};

/// q, out [B1, B2, Lq, H, D]; k, v [B1, B2, Lk, H, D], where B1 or B2 of k and v may be 1 and is then shared.
/// Any strides with the last axis contiguous, so tokens [B, T, S, C] are attended over S as they lie and over T through
/// transpose(1, 2), without a copy. All of one dtype, f32, bf16 or f16; sums and softmax in f32.
/// `out` must be uniquely owned or a view of a tensor that is, and may not overlap the inputs.
void attention_into(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v, Tensor& out,
                    const AttentionOptions& options = {});

/// As above with a fresh contiguous result.
Tensor attention(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options = {});

}  // namespace kine::kernels
