// The loops behind color.h.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

void to_yuv420_host(const Context& context, const Tensor& pictures, Tensor& frames);

}  // namespace kine::kernels
