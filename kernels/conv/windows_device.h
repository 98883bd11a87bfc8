// Convolution on a GPU as a product of windows that are written out, some thousands at a time. cuDNN's spares the
// writing (cudnn_convolution.h); this one takes any type and geometry, and needs nothing else.
#pragma once

#include "kernels/conv/conv_device.h"

namespace kine::kernels {

void multiply_windows(const Context& context, const ConvProblem& problem);

}  // namespace kine::kernels
