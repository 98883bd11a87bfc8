// Entries of attention without softmax.
#include "kernels/attention/linear_attention_cuda.h"

#include "kernels/attention/linear_attention.cuh"
#include "kernels/cuda/launch.cuh"

namespace kine::kernels::cuda {

namespace {

__global__ void __launch_bounds__(kLinearThreads) take_keys_kernel(const LinearAttentionArguments all) {
    take_keys_block(all);
}

__global__ void __launch_bounds__(kLinearThreads) ask_state_kernel(const LinearAttentionArguments all) {
    ask_state_block(all);
}

__global__ void __launch_bounds__(kWarp) causal_kernel(const LinearAttentionArguments all) { causal_block(all); }

__global__ void __launch_bounds__(kWarp) causal_divide_kernel(const LinearAttentionArguments all) {
    causal_divide_block(all);
}

__global__ void __launch_bounds__(kLinearThreads) follow_state_kernel(const FollowStateArguments all) {
    follow_state_block(all);
}

}  // namespace

void launch_take_keys(const LinearAttentionArguments& all, Stream stream) {
    start(take_keys_kernel, take_keys_launch(all), all, stream);
}

void launch_ask_state(const LinearAttentionArguments& all, Stream stream) {
    start(ask_state_kernel, ask_state_launch(all), all, stream);
}

void launch_causal(const LinearAttentionArguments& all, Stream stream) {
    start(causal_kernel, causal_launch(all), all, stream);
    if (all.plain_q || all.decay) start(causal_divide_kernel, causal_divide_launch(all), all, stream);
}

void launch_follow_state(const FollowStateArguments& all, Stream stream) {
    start(follow_state_kernel, follow_state_launch(all), all, stream);
}

}  // namespace kine::kernels::cuda
