#include "kernels/cudnn/plugin/convolution.h"

#include "kernels/scratch.h"

namespace kine::kernels::cudnn {

namespace {

using Numbers = std::vector<int64_t>;

/// One number of each windowed axis.
template <class Of>
Numbers of_axes(const ConvolutionGraph& graph, const Of& of) {
    Numbers numbers;
    for (int axis = 0; axis < graph.rank; ++axis) numbers.push_back(of(graph.axes[static_cast<size_t>(axis)]));
    return numbers;
}

/// Contiguous [first, inner..., last] as cuDNN names it: [first, last, inner...], with the strides of where it lies.
GraphTensor channels_last(int64_t id, int64_t first, const Numbers& inner, int64_t last, cudnnDataType_t dtype) {
    GraphTensor tensor{id, {first, last}, {0, 1}, dtype};
    int64_t stride = last;
    Numbers strides;
    for (auto size = inner.rbegin(); size != inner.rend(); ++size) {
        strides.insert(strides.begin(), stride);
        stride *= *size;
    }
    tensor.sizes.insert(tensor.sizes.end(), inner.begin(), inner.end());
    tensor.strides.insert(tensor.strides.end(), strides.begin(), strides.end());
    tensor.strides.front() = stride;
    return tensor;
}

GraphTensor result_of(const ConvolutionGraph& graph, int64_t id, cudnnDataType_t dtype) {
    const Numbers windows = of_axes(graph, [](const WindowedAxis& axis) { return axis.windows(); });
    return channels_last(id, graph.batches, windows, graph.out_channels, dtype);
}

Descriptor windows_of(const ConvolutionGraph& graph) {
    Descriptor windows(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    windows.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{graph.rank});
    windows.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
    windows.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    windows.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, of_axes(graph, [](const WindowedAxis&) { return 1; }));
    windows.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, of_axes(graph, [](const WindowedAxis& a) { return a.step; }));
    windows.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, of_axes(graph, [](const WindowedAxis& a) { return a.before; }));
    windows.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, of_axes(graph, [](const WindowedAxis& a) { return a.after; }));
    windows.finish();
    return windows;
}

Descriptor convolve(const ConvolutionGraph& graph, const Descriptor& sums) {
    const Numbers sizes = of_axes(graph, [](const WindowedAxis& axis) { return axis.size; });
    const Numbers window = of_axes(graph, [](const WindowedAxis& axis) { return axis.window; });
    const cudnnDataType_t type = type_of(graph.dtype);
    const Descriptor input = make_tensor(channels_last(kInput, graph.batches, sizes, graph.channels, type));
    const Descriptor weight = make_tensor(channels_last(kWeight, graph.out_channels, window, graph.channels, type));
    const Descriptor windows = windows_of(graph);
    const float alpha = 1.0f, beta = 0.0f;
    Descriptor operation(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, windows);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, input);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, weight);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, sums);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1, &alpha);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 1, &beta);
    operation.finish();
    return operation;
}

/// Sums that no memory ever holds.
Descriptor passing(const ConvolutionGraph& graph, int64_t id) {
    GraphTensor sums = result_of(graph, id, CUDNN_DATA_FLOAT);
    sums.is_virtual = true;
    return make_tensor(sums);
}

Descriptor bias_of(const ConvolutionGraph& graph) {
    const Numbers ones(static_cast<size_t>(graph.rank), 1);
    return make_tensor(channels_last(kBias, 1, ones, graph.out_channels, type_of(graph.dtype)));
}

Descriptor add(const Descriptor& sums, const Descriptor& more, const Descriptor& result) {
    const cudnnPointwiseMode_t mode = CUDNN_POINTWISE_ADD;
    Descriptor sum(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    sum.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    sum.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
    sum.finish();
    Descriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, sum);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, sums);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, more);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, result);
    operation.finish();
    return operation;
}

}  // namespace

ExecutionPlan plan_convolution(const Target& target, const ConvolutionGraph& graph) {
    const Descriptor result = make_tensor(result_of(graph, kResult, type_of(graph.dtype)));
    const Descriptor residual = make_tensor(result_of(graph, kResidual, type_of(graph.dtype)));
    const Descriptor sums = passing(graph, kSums), with_residual = passing(graph, kWithResidual);
    std::vector<Descriptor> operations;
    operations.push_back(convolve(graph, graph.has_bias || graph.has_residual ? sums : result));
    if (graph.has_residual) operations.push_back(add(sums, residual, graph.has_bias ? with_residual : result));
    if (graph.has_bias) operations.push_back(add(graph.has_residual ? with_residual : sums, bias_of(graph), result));
    return ExecutionPlan(target, operations, kDeviceWindowBytes);
}

}  // namespace kine::kernels::cudnn
