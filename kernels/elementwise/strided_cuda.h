// Launches of arithmetic over views.
#pragma once

#include "kernels/elementwise/strided_launch.h"
#include "runtime/device/stream.h"

namespace kine::kernels::cuda {

void launch_strided(const StridedArguments& work, Stream stream);
/// Items of `bytes`, 1, 2, 4 or 8, from a to out, whatever they mean.
void launch_strided_copy(const StridedArguments& work, int64_t bytes, Stream stream);

}  // namespace kine::kernels::cuda
