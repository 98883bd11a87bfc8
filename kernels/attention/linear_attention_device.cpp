#include "kernels/attention/linear_attention_device.h"

#include "kernels/attention/linear_attention_cuda.h"

namespace kine::kernels {

namespace {

const float* numbers_of(const Tensor& x) { return x ? x.address<const float>() : nullptr; }

cuda::LinearAttentionArguments arguments_of(const LinearAttention& attention, const Tensor& state) {
    cuda::LinearAttentionArguments all;
    all.q = numbers_of(attention.q);
    all.k = numbers_of(attention.k);
    all.v = numbers_of(attention.v);
    all.plain_q = numbers_of(attention.plain_q);
    all.plain_k = numbers_of(attention.plain_k);
    all.decay = numbers_of(attention.decay);
    all.state = state.address<float>();
    all.batches = attention.k.dim(0) * attention.k.dim(1);
    all.tokens = attention.k.dim(2);
    all.heads = attention.k.dim(3);
    all.size = static_cast<int>(attention.k.dim(4));
    all.width = static_cast<int>(attention.v.dim(4));
    all.eps = attention.eps;
    return all;
}

}  // namespace

void take_keys_device(const Context& context, const LinearAttention& attention, Tensor& state) {
    cuda::launch_take_keys(arguments_of(attention, state), context.stream);
}

void follow_state_device(const Context& context, Tensor& state, const Tensor& part, const Tensor& decay,
                         int64_t length) {
    const cuda::FollowStateArguments all = {.state = state.address<float>(),
                                            .part = part.address<const float>(),
                                            .decay = numbers_of(decay),
                                            .batches = state.dim(0) * state.dim(1),
                                            .heads = state.dim(2),
                                            .values = state.dim(3) * state.dim(4),
                                            .length = static_cast<float>(length)};
    cuda::launch_follow_state(all, context.stream);
}

void linear_attention_device(const Context& context, const LinearAttention& attention, const Tensor& state,
                             Tensor& out) {
    cuda::LinearAttentionArguments all = arguments_of(attention, state);
    all.out = out.address<float>();
    cuda::launch_ask_state(all, context.stream);
}

void causal_linear_attention_device(const Context& context, const LinearAttention& attention, Tensor& state,
                                    Tensor& out) {
    cuda::LinearAttentionArguments all = arguments_of(attention, state);
    all.out = out.address<float>();
    cuda::launch_causal(all, context.stream);
}

}  // namespace kine::kernels
