#include "kernels/linear/linear.h"

#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/linear/packed_matrix.h"

namespace kine::kernels {

struct LinearWeight::Packed {
    PackedMatrix matrix;
};

namespace {

// The distance between rows once the leading axes are merged into one.
int64_t row_stride(const Tensor& x) {
    int64_t stride = 0;
    int64_t rows = 1;
    for (int axis = x.rank() - 2; axis >= 0; --axis) {
        if (x.dim(axis) == 1) continue;
        check(rows == 1 || x.stride(axis) == stride * rows, ErrorCode::Bug,
              "linear: axes of {} do not merge into rows (axis {} has stride {})", to_string(x.shape()), axis,
              x.stride(axis));
        if (rows == 1) stride = x.stride(axis);
        rows *= x.dim(axis);
    }
    return stride;
}

void check_input(const Tensor& x, const PackedMatrix& matrix) {
    check_last_dim("linear", "x", x, matrix.in_features());
    check(x.dtype() == matrix.dtype(), ErrorCode::Bug, "linear: x is {}, weight is {}, expected equal",
          name_of(x.dtype()), name_of(matrix.dtype()));
    check(x.stride(-1) == 1 || x.dim(-1) == 1, ErrorCode::Bug, "linear: last axis of x {} has stride {}, expected 1",
          to_string(x.shape()), x.stride(-1));
}

Rows rows_of(const Tensor& x) {
    const int64_t depth = x.dim(-1);
    const int64_t item = size_of(x.dtype());
    const int64_t row_bytes = row_stride(x) * item;
    const std::byte* data = x.raw();
    return {x.elements() / depth, x.dtype(), [=](int64_t row, int64_t k) {
                return Run{data + row * row_bytes + k * item, depth - k};
            }};
}

}  // namespace

LinearWeight::LinearWeight(const Context& context, const Tensor& weight, const Tensor& bias, Quantization quantization)
    : packed_(std::make_shared<Packed>(PackedMatrix(context, weight, bias, quantization))) {}

int64_t LinearWeight::in_features() const { return packed_->matrix.in_features(); }
int64_t LinearWeight::out_features() const { return packed_->matrix.out_features(); }
DType LinearWeight::dtype() const { return packed_->matrix.dtype(); }
Quantization LinearWeight::quantization() const { return packed_->matrix.quantization(); }
Tensor LinearWeight::unpacked_weight(const Context& context) const { return packed_->matrix.unpacked(context); }
Tensor LinearWeight::unpacked_bias() const { return packed_->matrix.bias(); }

Tensor linear(const Context& context, const Tensor& x, const LinearWeight& weight, Activation activation) {
    check(static_cast<bool>(weight), ErrorCode::Bug, "linear: weight is empty");
    const PackedMatrix& matrix = weight.packed().matrix;
    check_input(x, matrix);
    return on_device(context, "linear", [&] {
        const Rows rows = rows_of(x);
        Tensor out = Tensor::empty(context, {rows.count, matrix.out_features()}, matrix.dtype());
        matrix.multiply(context, rows, activation, out);
        Shape shape = x.shape();
        shape.set(-1, matrix.out_features());
        return out.reshape(shape);
    });
}

}  // namespace kine::kernels
