#include "kernels/conv/conv_device.h"

#include "kernels/conv/cudnn_convolution.h"
#include "kernels/conv/windows_device.h"
#include "kernels/elementwise/strided.h"

namespace kine::kernels {

void convolve_device(const Context& context, std::string_view op, const ConvProblem& problem) {
    const auto& [x, window, matrix, residual, out] = problem;
    if (window.is_pixel())
        return matrix.multiply(context, {x.address(), out.dim(0), matrix.in_features()}, Activation::None, out,
                               residual);
    if (is_cudnn_convolution(problem)) return convolve_by_cudnn(context, op, problem);
    const Tensor none;
    const ConvProblem bare = {x, window, matrix, none, out};
    if (residual && is_cudnn_convolution(bare)) {
        convolve_by_cudnn(context, op, bare);
        return cuda::run_strided(context, cuda::StridedOp::Combine, out, {out, residual}, 1.0f, 1.0f);
    }
    multiply_windows(context, problem);
}

}  // namespace kine::kernels
