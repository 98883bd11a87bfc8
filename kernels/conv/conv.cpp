#include "kernels/conv/conv.h"

#include "kernels/check.h"
#include "kernels/conv/windows.h"
#include "kernels/dispatch.h"
#include "kernels/linear/packed_matrix.h"
#include "kernels/move/move.h"

namespace kine::kernels {

struct ConvWeight::Packed {
    WindowGeometry window;
    PackedMatrix matrix;  // [Co, Kt * Ky * Kx * Ci]: a window as it lies in channels-last pictures
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

void check_input(std::string_view op, const Tensor& x, const WindowGeometry& window, const PackedMatrix& matrix) {
    check_rank(op, "x", x, 4);
    check_last_dim(op, "x", x, window.channels);
    check_contiguous(op, "x", x);
    check(x.dtype() == matrix.dtype(), ErrorCode::Bug, "{}: x is {}, weight is {}, expected equal", op,
          name_of(x.dtype()), name_of(matrix.dtype()));
    check(window.out_frames(x) > 0 && window.out_height(x) > 0 && window.out_width(x) > 0, ErrorCode::Bug,
          "{}: x has shape {}, expected at least one window of {} x {} x {}", op, to_string(x.shape()), window.depth,
          window.height, window.width);
}

Tensor convolve(const Context& context, std::string_view op, const Tensor& x, const ConvWeight& weight) {
    check(static_cast<bool>(weight), ErrorCode::Bug, "{}: weight is empty", op);
    const auto& [window, matrix] = weight.packed();
    check_input(op, x, window, matrix);
    const Shape shape = {window.out_frames(x), window.out_height(x), window.out_width(x), matrix.out_features()};
    return on_device(context, op, [&, &product = matrix, &geometry = window] {
        const Rows rows = windows_of(x, geometry);
        Tensor out = Tensor::empty(context, {rows.count, product.out_features()}, x.dtype());
        product.multiply(context, rows, Activation::None, out);
        return out.reshape(shape);
    });
}

}  // namespace

ConvWeight::ConvWeight(const Context& context, const Tensor& weight, const Tensor& bias, ConvGeometry geometry) {
    const Tensor clip_weight = as_clip_weight(weight);
    const WindowGeometry window = window_of(clip_weight, geometry);
    packed_ = std::make_shared<Packed>(Packed{window, PackedMatrix(context, as_matrix(context, clip_weight), bias)});
}

int64_t ConvWeight::in_channels() const { return packed_->window.channels; }
int64_t ConvWeight::out_channels() const { return packed_->matrix.out_features(); }

Tensor conv2d(const Context& context, const Tensor& x, const ConvWeight& weight) {
    check(!weight || weight.packed().window.depth == 1, ErrorCode::Bug,
          "conv2d: the weight spans several frames, expected one");
    return convolve(context, "conv2d", x, weight);
}

Tensor conv3d(const Context& context, const Tensor& x, const ConvWeight& weight) {
    return convolve(context, "conv3d", x, weight);
}

}  // namespace kine::kernels
