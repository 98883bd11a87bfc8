// Laying pictures over one another.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

/// canvas[n, y, x, c] += rows[y] * columns[x] * picture[n, y, x, c], all f32. picture [N, Y, X, C] contiguous; canvas
/// of the same shape, any strides with each pixel's channels together; rows [Y], columns [X].
void add_weighted(const Context& context, Tensor& canvas, const Tensor& picture, const Tensor& rows,
                  const Tensor& columns);

}  // namespace kine::kernels
