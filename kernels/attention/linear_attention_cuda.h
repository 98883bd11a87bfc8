// Launches of attention without softmax.
#pragma once

#include "kernels/attention/linear_attention_launch.h"
#include "runtime/device/stream.h"

namespace kine::kernels::cuda {

void launch_take_keys(const LinearAttentionArguments& all, Stream stream);
void launch_ask_state(const LinearAttentionArguments& all, Stream stream);
/// Keys into the state and queries to it, in the order of tokens.
void launch_causal(const LinearAttentionArguments& all, Stream stream);
void launch_follow_state(const FollowStateArguments& all, Stream stream);

}  // namespace kine::kernels::cuda
