#include "kernels/linear/linear.h"

#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/linear/device_matrix.h"
#include "kernels/linear/packed_matrix.h"

namespace kine::kernels {

using Matrix = std::variant<PackedMatrix, DeviceMatrix>;

struct LinearWeight::Packed {
    Matrix matrix;

    /// What `ask` says of either.
    template <class Ask>
    auto of(const Ask& ask) const {
        return std::visit(ask, matrix);
    }
};

namespace {

Matrix pack(const Context& context, const Tensor& weight, const Tensor& bias, Quantization quantization,
            const std::shared_ptr<WeightOffload>& offload) {
    if (context.device.kind == DeviceKind::Cpu) {
        check(!offload, ErrorCode::Bug, "linear: the weights of a CPU are in host memory anyhow");
        check(quantization == Quantization::None || quantization == Quantization::Int8, ErrorCode::Unsupported,
              "quantize {}: not on the CPU, expected none or int8", name_of(quantization));
        return PackedMatrix(context, weight, bias, quantization);
    }
    constexpr std::string_view kForms[] = {"none or tf32", "none or fp8", "none"};  // in f32, bf16, f16
    check(quantization != Quantization::Int8, ErrorCode::Unsupported, "quantize {}: not on {}, expected {}",
          name_of(quantization), to_string(context.device), kForms[static_cast<size_t>(weight.dtype())]);
    return DeviceMatrix(context, weight, bias, quantization, offload);
}

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

void check_input(const Tensor& x, const LinearWeight& weight) {
    check(static_cast<bool>(weight), ErrorCode::Bug, "linear: weight is empty");
    check_last_dim("linear", "x", x, weight.in_features());
    check(x.dtype() == weight.dtype(), ErrorCode::Bug, "linear: x is {}, weight is {}, expected equal",
          name_of(x.dtype()), name_of(weight.dtype()));
    check(x.stride(-1) == 1 || x.dim(-1) == 1, ErrorCode::Bug, "linear: last axis of x {} has stride {}, expected 1",
          to_string(x.shape()), x.stride(-1));
}

Rows rows_of(const Tensor& x, int64_t stride) {
    const int64_t depth = x.dim(-1);
    const int64_t item = size_of(x.dtype());
    const int64_t row_bytes = stride * item;
    const std::byte* data = x.raw();
    return {x.elements() / depth, x.dtype(), [=](int64_t row, int64_t k) {
                return Run{data + row * row_bytes + k * item, depth - k};
            }};
}

}  // namespace

LinearWeight::LinearWeight(const Context& context, const Tensor& weight, const Tensor& bias, Quantization quantization,
                           const std::shared_ptr<WeightOffload>& offload)
    : packed_(std::make_shared<Packed>(Packed{pack(context, weight, bias, quantization, offload)})) {}

int64_t LinearWeight::in_features() const {
    return packed_->of([](const auto& matrix) { return matrix.in_features(); });
}
int64_t LinearWeight::out_features() const {
    return packed_->of([](const auto& matrix) { return matrix.out_features(); });
}
DType LinearWeight::dtype() const {
    return packed_->of([](const auto& matrix) { return matrix.dtype(); });
}
Quantization LinearWeight::quantization() const {
    return packed_->of([](const auto& matrix) { return matrix.quantization(); });
}
std::shared_ptr<WeightOffload> LinearWeight::offload() const {
    const auto* matrix = std::get_if<DeviceMatrix>(&packed_->matrix);
    return matrix ? matrix->offload() : nullptr;
}
Tensor LinearWeight::unpacked_weight(const Context& context) const {
    return packed_->of([&](const auto& matrix) { return matrix.unpacked(context); });
}
Tensor LinearWeight::unpacked_bias() const {
    return packed_->of([](const auto& matrix) { return matrix.bias(); });
}

Tensor linear(const Context& context, const Tensor& x, const LinearWeight& weight, Activation activation) {
    check_input(x, weight);
    const int64_t stride = row_stride(x);
    const int64_t rows = x.elements() / x.dim(-1);
    Tensor out = Tensor::empty(context, {rows, weight.out_features()}, weight.dtype());
    on_device(
        context, "linear",
        [&] { std::get<PackedMatrix>(weight.packed().matrix).multiply(context, rows_of(x, stride), activation, out); },
        [&] {
            const DeviceRows all = {x.address(), rows, stride};
            std::get<DeviceMatrix>(weight.packed().matrix).multiply(context, all, activation, out);
        });
    Shape shape = x.shape();
    shape.set(-1, weight.out_features());
    return out.reshape(shape);
}

}  // namespace kine::kernels
