#include "kernels/elementwise/elementwise.h"

#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/elementwise_device.h"
#include "kernels/elementwise/elementwise_host.h"
#include "kernels/host/vectors.h"
#include "kernels/move/move.h"

namespace kine::kernels {

namespace {

void check_operand(std::string_view op, std::string_view argument, const Tensor& x) {
    check_floating(op, argument, x);
    check_contiguous(op, argument, x);
}

void check_pair(std::string_view op, const Tensor& a, const Tensor& b) {
    check_same_shape(op, a, b);
    check_same_dtype(op, {&a, &b});
    check_operand(op, "first argument", a);
    check_operand(op, "second argument", b);
}

void check_gate(std::string_view op, const Tensor& gate, const Tensor& x) {
    check(x.rank() >= 2, ErrorCode::Bug, "{}: tensor has shape {}, expected [B, ..., C]", op, to_string(x.shape()));
    check_rows_of_groups(op, "gate", gate, x);
    check_floating(op, "gate", gate);
}

// Where an op may write: over x if nobody else can see it.
Tensor output_over(const Context& context, const Tensor& x) {
    return x.is_unique() ? x : Tensor::empty(context, x.shape(), x.dtype());
}

// How many consecutive rows share one vector of the table of add_table.
int64_t check_table(const Tensor& x, const Tensor& table) {
    check_rank("add_table", "x", x, 4);
    check_operand("add_table", "x", x);
    check_floating("add_table", "table", table);
    check_contiguous("add_table", "table", table);
    if (table.rank() == 3) {
        check_shape("add_table", "table", table, {x.dim(1), 1, x.dim(3)});
        return x.dim(2);
    }
    check_shape("add_table", "table", table, {x.dim(2), x.dim(3)});
    return 1;
}

}  // namespace

Tensor add(const Context& context, const Tensor& a, const Tensor& b) {
    check_pair("add", a, b);
    return on_device(
        context, "add", [&] { return add_host(context, a, b); }, [&] { return add_device(context, a, b); });
}

Tensor multiply(const Context& context, const Tensor& a, const Tensor& b) {
    check_pair("multiply", a, b);
    return on_device(
        context, "multiply", [&] { return multiply_host(context, a, b); },
        [&] { return multiply_device(context, a, b); });
}

Tensor scale(const Context& context, const Tensor& x, float factor, float offset) {
    check_operand("scale", "x", x);
    return on_device(
        context, "scale", [&] { return scale_host(context, x, factor, offset); },
        [&] { return scale_device(context, x, factor, offset); });
}

Tensor activate(const Context& context, const Tensor& x, Activation activation) {
    check_operand("activate", "x", x);
    return on_device(
        context, "activate", [&] { return activate_host(context, x, activation); },
        [&] { return activate_device(context, x, activation); });
}

Tensor gelu_tanh_gate(const Context& context, const Tensor& gate, const Tensor& value) {
    check_pair("gelu_tanh_gate", gate, value);
    return on_device(
        context, "gelu_tanh_gate", [&] { return gelu_tanh_gate_host(context, gate, value); },
        [&] { return gelu_tanh_gate_device(context, gate, value); });
}

Tensor gate_residual(const Context& context, Tensor x, const Tensor& gate, const Tensor& y) {
    check_pair("gate_residual", x, y);
    if (gate) check_gate("gate_residual", gate, x);
    Tensor out = output_over(context, x);
    const auto host = [&] {
        if (!gate) return add_into_host(context, x, y, out);
        gate_residual_host(context, x, float_rows(context, gate), y, out);
    };
    on_device(context, "gate_residual", host, [&] { gate_residual_device(context, x, gate, y, out); });
    return out;
}

Tensor gate_multiply(const Context& context, const Tensor& gate, const Tensor& y) {
    check_operand("gate_multiply", "y", y);
    check_gate("gate_multiply", gate, y);
    return on_device(
        context, "gate_multiply", [&] { return gate_multiply_host(context, float_rows(context, gate), y); },
        [&] { return gate_multiply_device(context, gate, y); });
}

Tensor add_table(const Context& context, Tensor x, const Tensor& table) {
    const int64_t repeat = check_table(x, table);
    Tensor out = output_over(context, x);
    const auto host = [&] {
        const Tensor rows = table.reshape({table.elements() / std::max<int64_t>(1, table.dim(-1)), table.dim(-1)});
        add_rows_host(context, x, float_rows(context, rows), repeat, out);
    };
    on_device(context, "add_table", host, [&] { add_table_device(context, x, table, out); });
    return out;
}

Tensor combine(const Context& context, float a, const Tensor& x, float b, const Tensor& y) {
    check_same_shape("combine", x, y);
    check_operand("combine", "x", x);
    check_operand("combine", "y", y);
    return on_device(
        context, "combine", [&] { return combine_host(context, x, y, a, b); },
        [&] { return combine_device(context, x, y, a, b); });
}

bool all_finite(const Context& context, const Tensor& x) {
    check_operand("all_finite", "x", x);
    return on_device(
        context, "all_finite", [&] { return all_finite_host(context, x); },
        [&] { return all_finite_device(context, x); });
}

Tensor clamp(const Context& context, const Tensor& x, float low, float high) {
    check_operand("clamp", "x", x);
    check(low <= high, ErrorCode::Bug, "clamp: bounds {} and {}, expected low <= high", low, high);
    return on_device(
        context, "clamp", [&] { return clamp_host(context, x, low, high); },
        [&] { return clamp_device(context, x, low, high); });
}

Tensor cast(const Context& context, const Tensor& x, DType dtype) {
    check_floating("cast", "x", x);
    const Tensor packed = contiguous(context, x);
    if (dtype == x.dtype()) return packed;
    return on_device(
        context, "cast", [&] { return cast_host(context, packed, dtype); },
        [&] { return cast_device(context, packed, dtype); });
}

Tensor quantize_rgb(const Context& context, const Tensor& x) {
    check_operand("quantize_rgb", "x", x);
    return on_device(
        context, "quantize_rgb", [&] { return quantize_rgb_host(context, x); },
        [&] { return quantize_rgb_device(context, x); });
}

}  // namespace kine::kernels
