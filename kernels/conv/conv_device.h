// conv.h on a GPU, from tensors to what computes them.
#pragma once

#include "kernels/conv/windows.h"
#include "kernels/linear/device_matrix.h"

#include <string_view>

namespace kine::kernels {

/// Checked arguments: x [N, Y, X, C] contiguous, of the matrix's type; out [windows, C'], contiguous; the matrix
/// [C', depth * height * width * C]; the residual like out, or empty.
struct ConvProblem {
    const Tensor& x;
    const WindowGeometry& window;
    const DeviceMatrix& matrix;
    const Tensor& residual;
    Tensor& out;
};

/// Pixels that are their own windows are a plain product; other windows are cuDNN's where it has a plan, which writes
/// nothing out, else written out. A residual for which cuDNN has none is added afterwards.
void convolve_device(const Context& context, std::string_view op, const ConvProblem& problem);

}  // namespace kine::kernels
