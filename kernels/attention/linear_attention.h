// Attention without softmax: sums of keys times values do for all keys, so cost and memory are linear in length
// (Katharopoulos et al., arXiv 2006.16236; Lightning Attention, Qin et al., arXiv 2401.04658; SANA, Xie et al., arXiv
// 2410.10629).
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

/// q, k [B1, B2, L, H, D], v [B1, B2, L, H, V], f32, bf16 or f16, the last axis contiguous. The feature map is applied,
/// and positions are turned, by the caller.
struct LinearAttention {
    Tensor q, k, v;
    /// Queries and keys as they were before their positions were turned, for the denominator, which must not be
    /// negative; empty: there is no denominator.
    Tensor plain_q = {}, plain_k = {};
    Tensor decay = {};   ///< f32 [H]: a key counts exp(-decay) less with every token after it; empty: all count alike
    float eps = 1e-15f;  ///< of the denominator

    bool is_divided() const { return static_cast<bool>(plain_k); }
};

/// What keys and values leave behind: sums of k (v, 1), [B1, B2, H, D, V + 1] f32, the last column of plain keys. Of no
/// keys: zeros.
Tensor no_linear_state(const Context& context, const LinearAttention& attention);
/// Takes all keys into the state; with a decay, in their order.
void take_keys(const Context& context, const LinearAttention& attention, Tensor& state);
/// The state after `length` tokens that left `part` behind, of the one before them.
void follow_state(const Context& context, Tensor& state, const Tensor& part, const Tensor& decay, int64_t length);

/// Every query with the keys of `state`, [B1, B2, L, H, V], contiguous, of q's dtype.
Tensor linear_attention(const Context& context, const LinearAttention& attention, const Tensor& state);
/// Query i with the keys before these and keys 0 to i. `state` holds what came before, and then all.
Tensor causal_linear_attention(const Context& context, const LinearAttention& attention, Tensor& state);

}  // namespace kine::kernels
