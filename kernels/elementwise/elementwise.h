// Arithmetic element by element. Tensors are contiguous and of one dtype (f32, bf16 or f16) unless said otherwise;
// arithmetic happens in f32. A vector argument [B, C] is broadcast over the axes between: x [B, ..., C]; with a row for
// each frame, [B * T, C], over those behind T: x [B, T, ..., C].
#pragma once

#include "kernels/linear/linear.h"
#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

Tensor add(const Context& context, const Tensor& a, const Tensor& b);                      ///< same shape
Tensor multiply(const Context& context, const Tensor& a, const Tensor& b);                 ///< same shape
Tensor scale(const Context& context, const Tensor& x, float factor, float offset = 0.0f);  ///< x * factor + offset
Tensor activate(const Context& context, const Tensor& x, Activation activation);
Tensor gelu_tanh_gate(const Context& context, const Tensor& gate, const Tensor& value);  ///< gelu_tanh(gate) * value

/// x + gate * y. gate [B, C] or [B * T, C], any row stride and floating dtype; empty: x + y. Reuses the storage of `x`
/// where it is uniquely owned.
Tensor gate_residual(const Context& context, Tensor x, const Tensor& gate, const Tensor& y);
/// gate * y with such a gate.
Tensor gate_multiply(const Context& context, const Tensor& gate, const Tensor& y);

/// x [B, T, S, C] + table, where table is [S, C], or [T, 1, C] for one vector a frame.
Tensor add_table(const Context& context, Tensor x, const Tensor& table);

/// a * x + b * y in f32: sampler steps and guidance.
Tensor combine(const Context& context, float a, const Tensor& x, float b, const Tensor& y);

/// Whether every value is finite.
bool all_finite(const Context& context, const Tensor& x);
/// Clamps to [low, high]; x f32.
Tensor clamp(const Context& context, const Tensor& x, float low, float high);
/// A contiguous copy in the given floating dtype.
Tensor cast(const Context& context, const Tensor& x, DType dtype);

/// x [F, Y, X, 3] with values in [0, 1], f32, bf16 or f16 -> u8, round(255 x) to nearest even, clamped.
Tensor quantize_rgb(const Context& context, const Tensor& x);

}  // namespace kine::kernels
