// The conversion behind color.h on a GPU.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

void to_yuv420_device(const Context& context, const Tensor& pictures, Tensor& frames);

}  // namespace kine::kernels
