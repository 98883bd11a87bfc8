// The loops behind elementwise.h.
#pragma once

#include "kernels/elementwise/elementwise.h"

namespace kine::kernels {

Tensor add_host(const Context& context, const Tensor& a, const Tensor& b);
Tensor multiply_host(const Context& context, const Tensor& a, const Tensor& b);
Tensor scale_host(const Context& context, const Tensor& x, float factor, float offset);
Tensor activate_host(const Context& context, const Tensor& x, Activation activation);
Tensor gelu_tanh_gate_host(const Context& context, const Tensor& gate, const Tensor& value);
Tensor combine_host(const Context& context, const Tensor& x, const Tensor& y, float a, float b);
bool all_finite_host(const Context& context, const Tensor& x);
Tensor clamp_host(const Context& context, const Tensor& x, float low, float high);
Tensor cast_host(const Context& context, const Tensor& x, DType dtype);
Tensor quantize_rgb_host(const Context& context, const Tensor& x);

// Vectors are f32 [G, C], one for each of G equal runs of rows. `out` may share the storage of `x`.
void gate_residual_host(const Context& context, const Tensor& x, const Tensor& gates, const Tensor& y, Tensor& out);
void add_into_host(const Context& context, const Tensor& x, const Tensor& y, Tensor& out);
Tensor gate_multiply_host(const Context& context, const Tensor& gates, const Tensor& y);
/// Row r of x takes row (r / repeat) % table.dim(0) of the table, f32 [R, C].
void add_rows_host(const Context& context, const Tensor& x, const Tensor& table, int64_t repeat, Tensor& out);

}  // namespace kine::kernels
