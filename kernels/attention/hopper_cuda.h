// Launch of attention between many tokens on Hopper.
#pragma once

#include "kernels/attention/hopper_launch.h"
#include "runtime/device/device.h"
#include "runtime/device/stream.h"

namespace kine::kernels::cuda {

/// Whether the GPU's compute capability is 9.0.
bool is_hopper(Device device);

/// For head sizes that hopper_can_run() knows.
void launch_hopper(const HopperArguments& all, int head_size, Stream stream);

}  // namespace kine::kernels::cuda
