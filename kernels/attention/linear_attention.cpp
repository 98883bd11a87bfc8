#include "kernels/attention/linear_attention.h"

#include "kernels/attention/linear_attention_device.h"
#include "kernels/attention/linear_attention_host.h"
#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"

#include <cmath>

namespace kine::kernels {

namespace {

void check_arguments(std::string_view op, const LinearAttention& attention) {
    const auto& [q, k, v, plain_q, plain_k, decay, eps] = attention;
    for (const Tensor* x : {&q, &k, &v}) check_rank(op, "q, k or v", *x, 5);
    check_floating(op, "q", q);
    check_same_dtype(op, {&q, &k, &v});
    check_shape(op, "q", q, k.shape());
    check_shape(op, "v", v, {k.dim(0), k.dim(1), k.dim(2), k.dim(3), v.dim(4)});
    check(static_cast<bool>(plain_q) == static_cast<bool>(plain_k), ErrorCode::Bug,
          "{}: one of plain_q and plain_k is empty, expected both or none", op);
    if (plain_q) check_shape(op, "plain_q", plain_q, q.shape());
    if (plain_k) check_shape(op, "plain_k", plain_k, k.shape());
    if (decay) check_shape(op, "decay", decay, {k.dim(3)});
}

Shape state_shape(const LinearAttention& attention) {
    const auto& k = attention.k;
    return {k.dim(0), k.dim(1), k.dim(3), k.dim(4), attention.v.dim(4) + 1};
}

void check_state(std::string_view op, const Tensor& state, const LinearAttention& attention) {
    check_shape(op, "state", state, state_shape(attention));
    check_contiguous(op, "state", state);
    check(state.dtype() == DType::Float32, ErrorCode::Bug, "{}: state is {}, expected f32", op, name_of(state.dtype()));
}

Tensor as_float(const Context& context, const Tensor& x) {
    if (!x || x.elements() == 0) return x;
    const Tensor packed = contiguous(context, x);
    return packed.dtype() == DType::Float32 ? packed : cast(context, packed, DType::Float32);
}

LinearAttention as_float(const Context& context, const LinearAttention& attention) {
    const auto& [q, k, v, plain_q, plain_k, decay, eps] = attention;
    return {as_float(context, q),
            as_float(context, k),
            as_float(context, v),
            as_float(context, plain_q),
            as_float(context, plain_k),
            as_float(context, decay),
            eps};
}

/// What `host` or `device` find for the queries of f32 arguments, in the dtype of the values.
template <class Host, class OnDevice>
Tensor found_by(const Context& context, std::string_view op, const LinearAttention& attention, const Host& host,
                const OnDevice& device) {
    const LinearAttention wide = as_float(context, attention);
    const auto& v = attention.v;
    Tensor out = Tensor::empty(context, v.shape(), DType::Float32);
    if (out.elements() > 0)
        on_device(
            context, op, [&] { host(wide, out); }, [&] { device(wide, out); });
    return v.dtype() == DType::Float32 || out.elements() == 0 ? out : cast(context, out, v.dtype());
}

void follow_state_host(Tensor& state, const Tensor& part, const Tensor& decay, int64_t length) {
    const int64_t heads = state.dim(2), size = state.dim(3) * state.dim(4);
    for (int64_t row = 0; row < state.dim(0) * state.dim(1) * heads; ++row) {
        const float rate = decay ? decay.data<float>()[row % heads] : 0.0f;
        const float kept = std::exp(-rate * static_cast<float>(length));
        float* to = state.data<float>() + row * size;
        const float* from = part.data<float>() + row * size;
        for (int64_t i = 0; i < size; ++i) to[i] = kept * to[i] + from[i];
    }
}

}  // namespace

Tensor no_linear_state(const Context& context, const LinearAttention& attention) {
    check_arguments("no_linear_state", attention);
    return Tensor::zeros(context, state_shape(attention), DType::Float32);
}

void take_keys(const Context& context, const LinearAttention& attention, Tensor& state) {
    check_arguments("take_keys", attention);
    check_state("take_keys", state, attention);
    if (attention.k.elements() == 0) return;
    const LinearAttention wide = as_float(context, attention);
    Tensor none;
    on_device(
        context, "take_keys", [&] { linear_attention_host(context, wide, Pass::Keys, state, none); },
        [&] { take_keys_device(context, wide, state); });
}

void follow_state(const Context& context, Tensor& state, const Tensor& part, const Tensor& decay, int64_t length) {
    check_rank("follow_state", "state", state, 5);
    check_same_shape("follow_state", state, part);
    check_contiguous("follow_state", "state", state);
    check_contiguous("follow_state", "part", part);
    if (decay) check_shape("follow_state", "decay", decay, {state.dim(2)});
    on_device(
        context, "follow_state", [&] { follow_state_host(state, part, decay, length); },
        [&] { follow_state_device(context, state, part, decay, length); });
}

Tensor linear_attention(const Context& context, const LinearAttention& attention, const Tensor& state) {
    check_arguments("linear_attention", attention);
    check_state("linear_attention", state, attention);
    Tensor same = state;
    return found_by(
        context, "linear_attention", attention,
        [&](const LinearAttention& wide, Tensor& out) {
            linear_attention_host(context, wide, Pass::Queries, same, out);
        },
        [&](const LinearAttention& wide, Tensor& out) { linear_attention_device(context, wide, state, out); });
}

Tensor causal_linear_attention(const Context& context, const LinearAttention& attention, Tensor& state) {
    check_arguments("causal_linear_attention", attention);
    check_state("causal_linear_attention", state, attention);
    return found_by(
        context, "causal_linear_attention", attention,
        [&](const LinearAttention& wide, Tensor& out) {
            linear_attention_host(context, wide, Pass::Causal, state, out);
        },
        [&](const LinearAttention& wide, Tensor& out) { causal_linear_attention_device(context, wide, state, out); });
}

}  // namespace kine::kernels
