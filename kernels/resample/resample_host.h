// The loops behind resample.h.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

void upsample_nearest_2x_host(const Context& context, const Tensor& x, Tensor& out);
void to_channels_last_host(const Context& context, const Tensor& x, Tensor& out);
void to_channels_first_host(const Context& context, const Tensor& x, Tensor& out);

}  // namespace kine::kernels
