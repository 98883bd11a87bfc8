// Convolution by cuDNN, where a GPU has it. Not run on a device yet.
#pragma once

#include "kernels/conv/conv_device.h"
#include "kernels/cudnn/graphs.h"

namespace kine::kernels {

/// Of pictures where the window spans one frame, else of a clip with its frames as an axis.
cudnn::ConvolutionGraph convolution_graph(const Shape& x, int64_t out_channels, const WindowGeometry& window,
                                          bool has_bias = true);

/// Whether the problem's GPU has a cuDNN with a plan for it. Only of bf16 and f16: its f32 may be multiplied with ten
/// bits.
bool is_cudnn_convolution(const ConvProblem& problem);
void convolve_by_cudnn(const Context& context, std::string_view op, const ConvProblem& problem);

}  // namespace kine::kernels
