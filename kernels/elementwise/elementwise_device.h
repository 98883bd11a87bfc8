// elementwise.h on a GPU, from tensors to launches.
#pragma once

#include "kernels/elementwise/elementwise.h"

namespace kine::kernels {

Tensor add_device(const Context& context, const Tensor& a, const Tensor& b);
Tensor multiply_device(const Context& context, const Tensor& a, const Tensor& b);
Tensor scale_device(const Context& context, const Tensor& x, float factor, float offset);
Tensor activate_device(const Context& context, const Tensor& x, Activation activation);
/// Over x itself.
void activate_in_place_device(const Context& context, Tensor& x, Activation activation);
Tensor gelu_tanh_gate_device(const Context& context, const Tensor& gate, const Tensor& value);
Tensor combine_device(const Context& context, const Tensor& x, const Tensor& y, float a, float b);
/// Waits for the answer.
bool all_finite_device(const Context& context, const Tensor& x);
Tensor clamp_device(const Context& context, const Tensor& x, float low, float high);
Tensor cast_device(const Context& context, const Tensor& x, DType dtype);
Tensor quantize_rgb_device(const Context& context, const Tensor& x);

// `out` may be x itself. Gates may be of any floating dtype, one row for each of their equal runs of rows.
void gate_residual_device(const Context& context, const Tensor& x, const Tensor& gate, const Tensor& y, Tensor& out);
Tensor gate_multiply_device(const Context& context, const Tensor& gate, const Tensor& y);
void add_table_device(const Context& context, const Tensor& x, const Tensor& table, Tensor& out);

}  // namespace kine::kernels
