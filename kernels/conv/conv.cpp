#include "kernels/conv/conv.h"

#include "kernels/check.h"
#include "kernels/conv/conv_device.h"
#include "kernels/conv/windows.h"
#include "kernels/dispatch.h"
#include "kernels/linear/packed_matrix.h"
#include "kernels/move/move.h"

namespace kine::kernels {

using Matrix = std::variant<PackedMatrix, DeviceMatrix>;

struct ConvWeight::Packed {
    WindowGeometry window;
    Matrix matrix;  // [Co, Kt * Ky * Kx * Ci]: a window as it lies in channels-last pictures
    int64_t out_channels;
    DType dtype;
};

namespace {

/// [Co, Ci, Kt, Ky, Kx] with Kt = 1 where the weight is of pictures.
Tensor as_clip_weight(const Tensor& weight) {
    check(weight.rank() == 4 || weight.rank() == 5, ErrorCode::Bug, "conv: weight has shape {}, expected 4 or 5 axes",
          to_string(weight.shape()));
    return weight.rank() == 4 ? weight.unsqueeze(2) : weight;
}

WindowGeometry window_of(const Tensor& weight, const ConvGeometry& geometry) {
    check(geometry.stride > 0 && geometry.pad_begin >= 0 && geometry.pad_end >= 0 && geometry.pad_front >= 0,
          ErrorCode::Bug, "conv: stride {}, padding {}, {} and {}, expected a positive stride and no negative padding",
          geometry.stride, geometry.pad_begin, geometry.pad_end, geometry.pad_front);
    return {weight.dim(1), weight.dim(2), weight.dim(3), weight.dim(4), geometry};
}

Tensor as_matrix(const Context& context, const Tensor& weight) {
    const Tensor channels_last =
        contiguous(context, weight.transpose(1, 2).transpose(2, 3).transpose(3, 4));  // [Co, Kt, Ky, Kx, Ci]
    return channels_last.reshape({weight.dim(0), weight.elements() / weight.dim(0)});
}

void check_input(std::string_view op, const Tensor& x, const WindowGeometry& window, DType dtype) {
    check_rank(op, "x", x, 4);
    check_last_dim(op, "x", x, window.channels);
    check_contiguous(op, "x", x);
    check(x.dtype() == dtype, ErrorCode::Bug, "{}: x is {}, weight is {}, expected equal", op, name_of(x.dtype()),
          name_of(dtype));
    check(window.out_frames(x) > 0 && window.out_height(x) > 0 && window.out_width(x) > 0, ErrorCode::Bug,
          "{}: x has shape {}, expected at least one window of {} x {} x {}", op, to_string(x.shape()), window.depth,
          window.height, window.width);
}

Matrix pack(const Context& context, const Tensor& matrix, const Tensor& bias) {
    // Weights of convolutions are few, so twelve bits would save little, and at the coarsest sizes few rows pay for
    // them.
    if (context.device.kind == DeviceKind::Cpu)
        return PackedMatrix(context, matrix, bias, "", WeightPanels::Short::Never);
    return DeviceMatrix(context, matrix, bias);
}

/// As rows of the result.
Tensor residual_rows(std::string_view op, const Tensor& residual, const Shape& shape, DType dtype) {
    if (!residual) return {};
    check_shape(op, "residual", residual, shape);
    check_contiguous(op, "residual", residual);
    check(residual.dtype() == dtype, ErrorCode::Bug, "{}: residual is {}, x is {}, expected equal", op,
          name_of(residual.dtype()), name_of(dtype));
    return residual.reshape({residual.elements() / shape[3], shape[3]});
}

Tensor convolve(const Context& context, std::string_view op, const Tensor& x, const ConvWeight& weight,
                const Tensor& residual) {
    check(static_cast<bool>(weight), ErrorCode::Bug, "{}: weight is empty", op);
    const ConvWeight::Packed& packed = weight.packed();
    const WindowGeometry& window = packed.window;
    check_input(op, x, window, packed.dtype);
    const Shape shape = {window.out_frames(x), window.out_height(x), window.out_width(x), packed.out_channels};
    Tensor out = Tensor::empty(context, {shape[0] * shape[1] * shape[2], packed.out_channels}, x.dtype());
    const Tensor added = residual_rows(op, residual, shape, x.dtype());
    const auto host = [&] {
        std::get<PackedMatrix>(packed.matrix).multiply(context, windows_of(x, window), Activation::None, out, added);
    };
    on_device(context, op, host, [&] {
        convolve_device(context, op, {x, window, std::get<DeviceMatrix>(packed.matrix), added, out});
    });
    return out.reshape(shape);
}

}  // namespace

ConvWeight::ConvWeight(const Context& context, const Tensor& weight, const Tensor& bias, ConvGeometry geometry) {
    const Tensor clip_weight = as_clip_weight(weight);
    const WindowGeometry window = window_of(clip_weight, geometry);
    const Tensor matrix = as_matrix(context, clip_weight);
    packed_ = std::make_shared<Packed>(Packed{window, pack(context, matrix, bias), matrix.dim(0), matrix.dtype()});
}

int64_t ConvWeight::in_channels() const { return packed_->window.channels; }
int64_t ConvWeight::out_channels() const { return packed_->out_channels; }

Tensor conv2d(const Context& context, const Tensor& x, const ConvWeight& weight, const Tensor& residual) {
    check(!weight || weight.packed().window.depth == 1, ErrorCode::Bug,
          "conv2d: the weight spans several frames, expected one");
    return convolve(context, "conv2d", x, weight, residual);
}

Tensor conv3d(const Context& context, const Tensor& x, const ConvWeight& weight, const Tensor& residual) {
    return convolve(context, "conv3d", x, weight, residual);
}

}  // namespace kine::kernels
