#include "kernels/cudnn/convolution.h"

namespace kine::kernels::cudnn {

namespace {

/// Channels-last sizes [N, ..., C] as cuDNN names them, [N, C, ...], with the strides of where they lie.
GraphTensor channels_last(int64_t id, const Shape& sizes, DType dtype) {
    GraphTensor tensor{id, {sizes[0], sizes[-1]}, {}, dtype};
    std::vector<int64_t> strides(static_cast<size_t>(sizes.rank()), 1);
    for (int axis = sizes.rank() - 2; axis >= 0; --axis)
        strides[static_cast<size_t>(axis)] = strides[static_cast<size_t>(axis) + 1] * sizes[axis + 1];
    tensor.strides = {strides.front(), strides.back()};
    for (int axis = 1; axis + 1 < sizes.rank(); ++axis) {
        tensor.sizes.append(sizes[axis]);
        tensor.strides.push_back(strides[static_cast<size_t>(axis)]);
    }
    return tensor;
}

Shape weight_shape(const ConvolutionGraph& graph) {
    Shape shape = {graph.out_channels};
    for (const int64_t size : graph.window) shape.append(size);
    shape.append(graph.input[-1]);
    return shape;
}

Shape bias_shape(const ConvolutionGraph& graph) {
    Shape shape = {1};
    for (int axis = 0; axis < graph.window.rank(); ++axis) shape.append(1);
    shape.append(graph.out_channels);
    return shape;
}

std::span<const int64_t> values_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

Descriptor windows_of(const ConvolutionGraph& graph) {
    Descriptor windows(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    windows.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{graph.window.rank()});
    windows.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
    windows.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    windows.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, std::vector<int64_t>(static_cast<size_t>(graph.window.rank()), 1));
    windows.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, values_of(graph.steps));
    windows.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, values_of(graph.before));
    windows.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, values_of(graph.after));
    windows.finish();
    return windows;
}

Descriptor convolve(const ConvolutionGraph& graph, const Descriptor& sums) {
    const Descriptor input = make_tensor(channels_last(kInput, graph.input, graph.dtype));
    const Descriptor weight = make_tensor(channels_last(kWeight, weight_shape(graph), graph.dtype));
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

Descriptor add_bias(const ConvolutionGraph& graph, const Descriptor& sums) {
    const Descriptor bias = make_tensor(channels_last(kBias, bias_shape(graph), DType::Float32));
    const Descriptor result = make_tensor(channels_last(kResult, graph.output(), graph.dtype));
    const cudnnPointwiseMode_t mode = CUDNN_POINTWISE_ADD;
    Descriptor sum(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    sum.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    sum.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
    sum.finish();
    Descriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, sum);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, sums);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, bias);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, result);
    operation.finish();
    return operation;
}

}  // namespace

Shape ConvolutionGraph::output() const {
    Shape shape = {input[0]};
    for (int axis = 0; axis < window.rank(); ++axis)
        shape.append((input[axis + 1] + before[axis] + after[axis] - window[axis]) / steps[axis] + 1);
    shape.append(out_channels);
    return shape;
}

Plan plan_convolution(const Target& target, const ConvolutionGraph& graph) {
    GraphTensor between = channels_last(kSums, graph.output(), DType::Float32);
    between.is_virtual = true;
    const Descriptor sums = make_tensor(between);
    std::vector<Descriptor> operations;
    operations.push_back(convolve(graph, sums));
    operations.push_back(add_bias(graph, sums));
    return Plan(target, operations);
}

}  // namespace kine::kernels::cudnn
