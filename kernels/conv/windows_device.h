// Convolution on a GPU as a product of windows that are written out, some thousands at a time. cuDNN's spares the
// writing (cudnn_convolution.h); this one takes any type and geometry, and needs nothing else.
#pragma once

#include "kernels/conv/windows.h"
#include "kernels/linear/device_matrix.h"

namespace kine::kernels {

/// x as for conv; out [windows, Co], contiguous.
void multiply_windows(const Context& context, const Tensor& x, const WindowGeometry& window, const DeviceMatrix& matrix,
                      Tensor& out);

}  // namespace kine::kernels
