// The loops behind linear_attention.h. Arguments are checked, f32 and contiguous.
#pragma once

#include "kernels/attention/linear_attention.h"

namespace kine::kernels {

/// Whether keys are taken into the state before each query looks at it, and whether queries look.
enum class Pass { Keys, Queries, Causal };

/// `out` f32 [B1, B2, L, H, V]; empty where no query looks.
void linear_attention_host(const Context& context, const LinearAttention& attention, Pass pass, Tensor& state,
                           Tensor& out);

}  // namespace kine::kernels
