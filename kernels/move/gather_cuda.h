// Launch of the gathering of rows.
#pragma once

#include "kernels/move/gather_launch.h"
#include "runtime/device/stream.h"

namespace kine::kernels::cuda {

void launch_gather(const GatherArguments& work, Stream stream);

}  // namespace kine::kernels::cuda
