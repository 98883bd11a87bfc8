#include "kernels/conv/conv_device.h"

#include "kernels/conv/cudnn_convolution.h"
#include "kernels/conv/windows_device.h"

namespace kine::kernels {

void convolve_device(const Context& context, std::string_view op, const ConvProblem& problem) {
    const auto& [x, window, matrix, residual, out] = problem;
    if (window.is_pixel())
        return matrix.multiply(context, {x.address(), out.dim(0), matrix.in_features()}, Activation::None, out,
                               residual);
    if (is_cudnn_convolution(problem)) return convolve_by_cudnn(context, op, problem);
    multiply_windows(context, problem);
}

}  // namespace kine::kernels
