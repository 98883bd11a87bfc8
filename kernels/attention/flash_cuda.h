// Launch of attention between many tokens.
#pragma once

#include "kernels/attention/flash_launch.h"
#include "runtime/device/stream.h"

namespace kine::kernels::cuda {

/// For head sizes that flash_can_run() knows.
void launch_flash(const FlashArguments<BFloat16>& all, int head_size, Stream stream);
void launch_flash(const FlashArguments<Float16>& all, int head_size, Stream stream);

}  // namespace kine::kernels::cuda
