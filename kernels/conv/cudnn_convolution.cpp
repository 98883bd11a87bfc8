#include "kernels/conv/cudnn_convolution.h"

#include "kernels/cuda/tensor_rows.h"
#include "kernels/cudnn/device_library.h"

#include <algorithm>
#include <array>
#include <vector>

namespace kine::kernels {

namespace {

cudnn::ConvolutionGraph graph_of(const ConvProblem& problem) {
    const bool has_bias = static_cast<bool>(problem.matrix.bias_to_add());
    cudnn::ConvolutionGraph graph =
        convolution_graph(problem.x.shape(), problem.matrix.out_features(), problem.window, has_bias);
    graph.dtype = problem.x.dtype();
    graph.has_residual = static_cast<bool>(problem.residual);
    return graph;
}

bool is_for_cudnn(const ConvProblem& problem) {
    const DeviceMatrix& matrix = problem.matrix;
    const std::array<const Tensor*, 5> tensors = {&problem.x, &matrix.weight(), &matrix.bias_to_add(),
                                                  &problem.residual, &problem.out};
    return problem.x.dtype() != DType::Float32 && problem.out.elements() > 0 && !matrix.weight().is_imagined() &&
           std::ranges::all_of(tensors, [](const Tensor* tensor) { return cuda::begins_at_a_word(*tensor); });
}

}  // namespace

cudnn::ConvolutionGraph convolution_graph(const Shape& x, int64_t out_channels, const WindowGeometry& window,
                                          bool has_bias) {
    const ConvGeometry& placement = window.placement;
    const int64_t begin = placement.pad_begin, end = placement.pad_end;
    const cudnn::WindowedAxis frames = {x[0], window.depth, 1, placement.pad_front, 0};
    const cudnn::WindowedAxis rows = {x[1], window.height, placement.stride, begin, end};
    const cudnn::WindowedAxis columns = {x[2], window.width, placement.stride, begin, end};
    const bool is_of_pictures = window.depth == 1 && placement.pad_front == 0;
    if (is_of_pictures) return {x[0], x[3], out_channels, 2, {rows, columns}, has_bias};
    return {1, x[3], out_channels, 3, {frames, rows, columns}, has_bias};
}

bool is_cudnn_convolution(const ConvProblem& problem) {
    if (!is_for_cudnn(problem)) return false;
    cudnn::DeviceLibrary* library = cudnn::library_on(problem.x.device());
    return library != nullptr && library->plan_for(graph_of(problem));
}

void convolve_by_cudnn(const Context& context, std::string_view op, const ConvProblem& problem) {
    cudnn::DeviceLibrary& library = *cudnn::library_on(context.device);
    const cudnn::Plan plan = library.plan_for(graph_of(problem));
    const Tensor workspace = Tensor::empty(context, {plan.workspace_bytes}, DType::UInt8);
    const Tensor& bias = problem.matrix.bias_to_add();
    std::vector<cudnn::Binding> bindings = {{cudnn::kInput, problem.x.address()},
                                            {cudnn::kWeight, problem.matrix.weight().address()},
                                            {cudnn::kResult, problem.out.address()}};
    if (bias) bindings.push_back({cudnn::kBias, bias.address()});
    if (problem.residual) bindings.push_back({cudnn::kResidual, problem.residual.address()});
    library.run(op, plan, bindings, workspace.address(), context.stream);
}

}  // namespace kine::kernels
