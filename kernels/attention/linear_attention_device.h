// Attention without softmax on a GPU. Arguments are checked, f32 and contiguous.
#pragma once

#include "kernels/attention/linear_attention.h"

namespace kine::kernels {

void take_keys_device(const Context& context, const LinearAttention& attention, Tensor& state);
void follow_state_device(const Context& context, Tensor& state, const Tensor& part, const Tensor& decay,
                         int64_t length);
/// `out` f32 [B1, B2, L, H, V].
void linear_attention_device(const Context& context, const LinearAttention& attention, const Tensor& state,
                             Tensor& out);
void causal_linear_attention_device(const Context& context, const LinearAttention& attention, Tensor& state,
                                    Tensor& out);

}  // namespace kine::kernels
