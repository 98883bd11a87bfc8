#include "kernels/elementwise/elementwise_device.h"

#include "kernels/elementwise/finite_cuda.h"
#include "kernels/elementwise/strided.h"
#include "runtime/tensor/transfer.h"

namespace kine::kernels {

namespace {

using cuda::run_strided;
using cuda::StridedOp;

/// A fresh tensor like the first of `operands`.
Tensor map_tensors(const Context& context, StridedOp op, std::initializer_list<Tensor> operands, float p = 1.0f,
                   float q = 0.0f) {
    const Tensor& like = *operands.begin();
    Tensor out = Tensor::empty(context, like.shape(), like.dtype());
    run_strided(context, op, out, operands, p, q);
    return out;
}

/// Contiguous x [..., C] as [G, rows, C], to meet a row for each of the G groups.
Tensor in_groups(const Tensor& x, int64_t groups) {
    return x.reshape({groups, x.elements() / std::max<int64_t>(1, groups * x.dim(-1)), x.dim(-1)});
}

StridedOp op_of(Activation activation) {
    switch (activation) {
        case Activation::None:
            break;
        case Activation::GeluTanh:
            return StridedOp::GeluTanh;
        case Activation::Silu:
            return StridedOp::Silu;
    }
    return StridedOp::Copy;
}

}  // namespace

Tensor add_device(const Context& context, const Tensor& a, const Tensor& b) {
    return map_tensors(context, StridedOp::Combine, {a, b}, 1.0f, 1.0f);
}

Tensor multiply_device(const Context& context, const Tensor& a, const Tensor& b) {
    return map_tensors(context, StridedOp::Multiply, {a, b});
}

Tensor scale_device(const Context& context, const Tensor& x, float factor, float offset) {
    return map_tensors(context, StridedOp::Scale, {x}, factor, offset);
}

Tensor activate_device(const Context& context, const Tensor& x, Activation activation) {
    return map_tensors(context, op_of(activation), {x});
}

void activate_in_place_device(const Context& context, Tensor& x, Activation activation) {
    if (activation != Activation::None) run_strided(context, op_of(activation), x, {x});
}

Tensor gelu_tanh_gate_device(const Context& context, const Tensor& gate, const Tensor& value) {
    return map_tensors(context, StridedOp::GeluTanhGate, {gate, value});
}

Tensor combine_device(const Context& context, const Tensor& x, const Tensor& y, float a, float b) {
    Tensor out = Tensor::empty(context, x.shape(), DType::Float32);
    run_strided(context, StridedOp::Combine, out, {x, y}, a, b);
    return out;
}

bool all_finite_device(const Context& context, const Tensor& x) {
    Tensor found = Tensor::zeros(context, {1}, DType::Int32);
    { cuda::launch_find_not_finite({x.address(), x.dtype(), x.elements(), found.address<int32_t>()}, context.stream); }
    return to_host(context, found).data<int32_t>()[0] == 0;
}

Tensor clamp_device(const Context& context, const Tensor& x, float low, float high) {
    return map_tensors(context, StridedOp::Clamp, {x}, low, high);
}

Tensor cast_device(const Context& context, const Tensor& x, DType dtype) {
    Tensor out = Tensor::empty(context, x.shape(), dtype);
    cuda::run_copy(context, x, out);
    return out;
}

Tensor quantize_rgb_device(const Context& context, const Tensor& x) {
    Tensor out = Tensor::empty(context, x.shape(), DType::UInt8);
    run_strided(context, StridedOp::Levels, out, {x}, 255.0f);
    return out;
}

void gate_residual_device(const Context& context, const Tensor& x, const Tensor& gate, const Tensor& y, Tensor& out) {
    if (!gate) return run_strided(context, StridedOp::Combine, out, {x, y}, 1.0f, 1.0f);
    const int64_t groups = gate.dim(0);
    run_strided(context, StridedOp::MultiplyAdd, in_groups(out, groups),
                {in_groups(x, groups), in_groups(y, groups), gate.unsqueeze(1)});
}

Tensor gate_multiply_device(const Context& context, const Tensor& gate, const Tensor& y) {
    Tensor out = Tensor::empty(context, y.shape(), y.dtype());
    const int64_t groups = gate.dim(0);
    run_strided(context, StridedOp::Multiply, in_groups(out, groups), {in_groups(y, groups), gate.unsqueeze(1)});
    return out;
}

void add_table_device(const Context& context, const Tensor& x, const Tensor& table, Tensor& out) {
    const Tensor spread = table.rank() == 3 ? table.unsqueeze(0) : table.unsqueeze(0).unsqueeze(0);
    run_strided(context, StridedOp::Combine, out, {x, spread}, 1.0f, 1.0f);
}

}  // namespace kine::kernels
