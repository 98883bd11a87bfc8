#include "kernels/norm/norm.h"

#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/host/vectors.h"
#include "kernels/norm/norm_device.h"
#include "kernels/norm/norm_host.h"

namespace kine::kernels {

namespace {

void check_input(std::string_view op, const Tensor& x) {
    check(x && x.rank() > 0 && x.dim(-1) > 0, ErrorCode::Bug, "{}: x has shape {}, expected a last axis", op,
          to_string(x.shape()));
    check_floating(op, "x", x);
    check_contiguous(op, "x", x);
}

void check_vector(std::string_view op, std::string_view argument, const Tensor& vector, int64_t width) {
    check_shape(op, argument, vector, {width});
    check_floating(op, argument, vector);
}

void check_modulation(std::string_view op, std::string_view argument, const Tensor& table, const Tensor& x) {
    check_rows_of_groups(op, argument, table, x);
    check_floating(op, argument, table);
}

void check_row_norm(std::string_view op, const RowNorm& norm, const Tensor& x) {
    if (norm.weight) check_vector(op, "weight", norm.weight, x.dim(-1));
    if (norm.bias) check_vector(op, "bias", norm.bias, x.dim(-1));
    if (norm.shift) check_modulation(op, "shift", norm.shift, x);
    if (norm.scale) check_modulation(op, "scale", norm.scale, x);
    check(static_cast<bool>(norm.shift) == static_cast<bool>(norm.scale), ErrorCode::Bug,
          "{}: one of shift and scale is empty, expected both or none", op);
    check(norm.weight || !norm.bias, ErrorCode::Bug, "{}: a bias without a weight", op);
    check(!norm.weight || !norm.scale || norm.bias, ErrorCode::Bug, "{}: a modulated weight without a bias", op);
}

void check_strided(std::string_view op, const Tensor& x) {
    check_floating(op, "x", x);
    check(x.stride(-1) == 1, ErrorCode::Bug, "{}: the last axis of x has stride {}, expected 1", op, x.stride(-1));
}

Tensor filled_row(const Context& context, int64_t width, float value) {
    Tensor row = Tensor::empty(context, {1, width}, DType::Float32);
    std::fill_n(row.data<float>(), width, value);
    return row;
}

Tensor one_plus(const Context& context, const Tensor& scale) {
    Tensor factor = float_rows(context, scale);
    float* values = factor.data<float>();
    for (int64_t i = 0; i < factor.elements(); ++i) values[i] += 1.0f;
    return factor;
}

/// (row * weight + bias) * (1 + scale) + shift as one factor and one offset for each row of the modulation.
RowAffine folded(const Context& context, const NormWeights& norm, const Tensor& shift, const Tensor& scale) {
    RowAffine result = {one_plus(context, scale), float_rows(context, shift)};
    const Tensor weight = float_rows(context, norm.weight), bias = float_rows(context, norm.bias);
    float* factor = result.factor.data<float>();
    float* offset = result.offset.data<float>();
    const int64_t width = weight.dim(1);
    for (int64_t i = 0; i < result.factor.elements(); ++i) {
        offset[i] += bias.data<float>()[i % width] * factor[i];
        factor[i] *= weight.data<float>()[i % width];
    }
    return result;
}

}  // namespace

Tensor norm_modulate(const Context& context, const Tensor& x, const Tensor& shift, const Tensor& scale, float eps) {
    check_input("norm_modulate", x);
    if (shift) check_modulation("norm_modulate", "shift", shift, x);
    if (scale) check_modulation("norm_modulate", "scale", scale, x);
    check(static_cast<bool>(shift) == static_cast<bool>(scale), ErrorCode::Bug,
          "norm_modulate: one of shift and scale is empty, expected both or none");
    if (x.elements() == 0) return x;
    const auto host = [&] {
        if (!scale) return normalise_rows_host(context, x, {filled_row(context, x.dim(-1), 1.0f), {}}, eps);
        return normalise_rows_host(context, x, {one_plus(context, scale), float_rows(context, shift)}, eps);
    };
    return on_device(context, "norm_modulate", host, [&] {
        return norm_rows_device(context, x, {{{}, {}, shift, scale, eps}});
    });
}

Tensor layer_norm(const Context& context, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps) {
    check_input("layer_norm", x);
    check_vector("layer_norm", "weight", weight, x.dim(-1));
    if (bias) check_vector("layer_norm", "bias", bias, x.dim(-1));
    const auto host = [&] {
        const RowAffine affine = {float_rows(context, weight), bias ? float_rows(context, bias) : Tensor()};
        return normalise_rows_host(context, x, affine, eps);
    };
    return on_device(context, "layer_norm", host, [&] {
        return norm_rows_device(context, x, {{weight, bias, {}, {}, eps}});
    });
}

void layer_norm_in_place(const Context& context, Tensor& x, const Tensor& weight, const Tensor& bias, float eps) {
    check_strided("layer_norm_in_place", x);
    check_vector("layer_norm_in_place", "weight", weight, x.dim(-1));
    check_vector("layer_norm_in_place", "bias", bias, x.dim(-1));
    const auto host = [&] {
        const RowAffine affine = {float_rows(context, weight), float_rows(context, bias)};
        normalise_rows_in_place_host(context, x, affine, eps);
    };
    on_device(context, "layer_norm", host, [&] {
        norm_rows_in_place_device(context, x, {{weight, bias, {}, {}, eps}});
    });
}

Tensor layer_norm_modulate(const Context& context, const Tensor& x, const NormWeights& norm, const Tensor& shift,
                           const Tensor& scale) {
    check_input("layer_norm_modulate", x);
    check_vector("layer_norm_modulate", "weight", norm.weight, x.dim(-1));
    check_vector("layer_norm_modulate", "bias", norm.bias, x.dim(-1));
    check_modulation("norm_modulate", "shift", shift, x);
    check_modulation("norm_modulate", "scale", scale, x);
    if (x.elements() == 0) return x;
    return on_device(
        context, "norm_modulate",
        [&] { return normalise_rows_host(context, x, folded(context, norm, shift, scale), norm.eps); },
        [&] {
            return norm_rows_device(context, x, {{norm.weight, norm.bias, shift, scale, norm.eps}});
        });
}

Tensor row_norm(const Context& context, const Tensor& x, const RowNorm& norm) {
    check_row_norm("row_norm", norm, x);
    if (!norm.weight) return norm_modulate(context, x, norm.shift, norm.scale, norm.eps);
    if (!norm.scale) return layer_norm(context, x, norm.weight, norm.bias, norm.eps);
    return layer_norm_modulate(context, x, {norm.weight, norm.bias, norm.eps}, norm.shift, norm.scale);
}

SumAndNorm gate_residual_norm(const Context& context, Tensor x, const Tensor& gate, const Tensor& y,
                              const RowNorm& norm) {
    constexpr std::string_view kOp = "gate_residual_norm";
    check_input(kOp, x);
    check_same_shape(kOp, x, y);
    check_same_dtype(kOp, {&x, &y});
    check_contiguous(kOp, "y", y);
    if (gate) check_rows_of_groups(kOp, "gate", gate, x);
    if (gate) check_floating(kOp, "gate", gate);
    check_row_norm(kOp, norm, x);
    const auto host = [&]() -> SumAndNorm {
        const Tensor sum = gate_residual(context, std::move(x), gate, y);
        return {sum, row_norm(context, sum, norm)};
    };
    return on_device(context, kOp, host,
                     [&] { return gate_residual_norm_device(context, std::move(x), gate, y, norm); });
}

Tensor rms_norm(const Context& context, const Tensor& x, const Tensor& weight, float eps) {
    check_input("rms_norm", x);
    check_vector("rms_norm", "weight", weight, x.dim(-1));
    return on_device(
        context, "rms_norm", [&] { return rms_rows_host(context, x, float_rows(context, weight), eps); },
        [&] {
            return norm_rows_device(context, x, {{weight, {}, {}, {}, eps}, false});
        });
}

void rms_norm_in_place(const Context& context, Tensor& x, const Tensor& weight, float eps) {
    check_strided("rms_norm_in_place", x);
    check_vector("rms_norm_in_place", "weight", weight, x.dim(-1));
    on_device(
        context, "rms_norm", [&] { rms_rows_in_place_host(context, x, float_rows(context, weight), eps); },
        [&] {
            norm_rows_in_place_device(context, x, {{weight, {}, {}, {}, eps}, false});
        });
}

Tensor sums_of_squares(const Context& context, const Tensor& x) {
    check_strided("sums_of_squares", x);
    return on_device(
        context, "sums_of_squares", [&] { return sums_of_squares_host(context, x); },
        [&] { return sums_of_squares_device(context, x); });
}

void rms_norm_in_place(const Context& context, Tensor& x, const Tensor& weight, float eps, const WholeRows& whole) {
    check_strided("rms_norm_in_place", x);
    check_vector("rms_norm_in_place", "weight", weight, x.dim(-1));
    Shape rows = x.shape();
    rows.set(-1, 1);
    check_shape("rms_norm_in_place", "squares", whole.squares, rows);
    check(whole.squares.dtype() == DType::Float32 && whole.channels >= x.dim(-1), ErrorCode::Bug,
          "rms_norm_in_place: squares are {} over {} channels, expected f32 over at least the {} of x",
          name_of(whole.squares.dtype()), whole.channels, x.dim(-1));
    on_device(
        context, "rms_norm", [&] { rms_rows_in_place_host(context, x, float_rows(context, weight), eps, whole); },
        [&] { rms_rows_in_place_device(context, x, weight, eps, whole); });
}

Tensor group_norm(const Context& context, const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t groups,
                  float eps, Activation activation) {
    check_input("group_norm", x);
    check(x.rank() >= 2, ErrorCode::Bug, "group_norm: x has shape {}, expected [N, ..., C]", to_string(x.shape()));
    check_vector("group_norm", "weight", weight, x.dim(-1));
    check_vector("group_norm", "bias", bias, x.dim(-1));
    check(groups > 0 && x.dim(-1) % groups == 0, ErrorCode::Bug, "group_norm: {} channels do not split into {} groups",
          x.dim(-1), groups);
    const auto host = [&] {
        const GroupNormArguments arguments = {float_rows(context, weight), float_rows(context, bias), groups, eps,
                                              activation};
        return group_norm_host(context, x, arguments);
    };
    return on_device(context, "group_norm", host,
                     [&] { return group_norm_device(context, x, weight, bias, groups, eps, activation); });
}

}  // namespace kine::kernels
