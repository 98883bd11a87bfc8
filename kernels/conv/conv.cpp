#include "kernels/conv/conv.h"

#include "kernels/check.h"
#include "kernels/conv/windows.h"
#include "kernels/dispatch.h"
#include "kernels/linear/packed_matrix.h"
#include "kernels/move/move.h"

namespace kine::kernels {

struct ConvWeight::Packed {
    WindowGeometry window;
    PackedMatrix matrix;  // [Co, Ky * Kx * Ci]: a window as it lies in a channels-last picture
};

namespace {

WindowGeometry window_of(const Tensor& weight, const ConvGeometry& geometry) {
    check_rank("conv2d", "weight", weight, 4);
    check(geometry.stride > 0 && geometry.pad_begin >= 0 && geometry.pad_end >= 0, ErrorCode::Bug,
          "conv2d: stride {}, padding {} and {}, expected a positive stride and no negative padding", geometry.stride,
          geometry.pad_begin, geometry.pad_end);
    return {weight.dim(1), weight.dim(2), weight.dim(3), geometry};
}

Tensor as_matrix(const Context& context, const Tensor& weight) {
    const Tensor channels_last = contiguous(context, weight.transpose(1, 2).transpose(2, 3));  // [Co, Ky, Kx, Ci]
    return channels_last.reshape({weight.dim(0), weight.dim(1) * weight.dim(2) * weight.dim(3)});
}

void check_input(const Tensor& x, const WindowGeometry& window, const PackedMatrix& matrix) {
    check_rank("conv2d", "x", x, 4);
    check_last_dim("conv2d", "x", x, window.channels);
    check_contiguous("conv2d", "x", x);
    check(x.dtype() == matrix.dtype(), ErrorCode::Bug, "conv2d: x is {}, weight is {}, expected equal",
          name_of(x.dtype()), name_of(matrix.dtype()));
    check(window.out_height(x) > 0 && window.out_width(x) > 0, ErrorCode::Bug,
          "conv2d: x has shape {}, expected at least one window of {} x {}", to_string(x.shape()), window.height,
          window.width);
}

}  // namespace

ConvWeight::ConvWeight(const Context& context, const Tensor& weight, const Tensor& bias, ConvGeometry geometry) {
    const WindowGeometry window = window_of(weight, geometry);
    packed_ = std::make_shared<Packed>(Packed{window, PackedMatrix(context, as_matrix(context, weight), bias)});
}

int64_t ConvWeight::in_channels() const { return packed_->window.channels; }
int64_t ConvWeight::out_channels() const { return packed_->matrix.out_features(); }

Tensor conv2d(const Context& context, const Tensor& x, const ConvWeight& weight) {
    check(static_cast<bool>(weight), ErrorCode::Bug, "conv2d: weight is empty");
    const auto& [window, matrix] = weight.packed();
    check_input(x, window, matrix);
    const Shape shape = {x.dim(0), window.out_height(x), window.out_width(x), matrix.out_features()};
    return on_device(context, "conv2d", [&, &product = matrix, &geometry = window] {
        const Rows rows = windows_of(x, geometry);
        Tensor out = Tensor::empty(context, {rows.count, product.out_features()}, x.dtype());
        product.multiply(context, rows, Activation::None, out);
        return out.reshape(shape);
    });
}

}  // namespace kine::kernels
