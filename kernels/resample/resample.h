// Changing the size of channels-last pictures.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

/// x [N, Y, X, C] -> [N, 2Y, 2X, C], every pixel repeated.
Tensor upsample_nearest_2x(const Context& context, const Tensor& x);

/// NCHW to NHWC and back. x [N, C, Y, X] any strides -> [N, Y, X, C] contiguous of `dtype`.
Tensor to_channels_last(const Context& context, const Tensor& x, DType dtype);
/// x [N, Y, X, C] -> [N, C, Y, X] contiguous, f32.
Tensor to_channels_first(const Context& context, const Tensor& x);

}  // namespace kine::kernels
