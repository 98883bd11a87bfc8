// Copies of host tensors: in another floating format, or laid out in row-major order.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine {

/// A copy of a host tensor in another dtype, contiguous; floating types only unless the dtype stays the same, and none
/// of 8 bits as the target. Values are rounded to nearest even, NaN stays NaN, what is too large becomes infinity.
Tensor convert(const Context& context, const Tensor& source, DType dtype);
/// The same, multiplied before the rounding; for weights that are stored with a scale.
Tensor convert_scaled(const Context& context, const Tensor& source, DType dtype, float scale);

/// The elements of a host tensor with any strides, in row-major order, at `target` (source.bytes() long).
void copy_row_major(const Tensor& source, std::byte* target);

}  // namespace kine
