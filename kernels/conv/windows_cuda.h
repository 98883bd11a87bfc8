// Launches of writing out windows.
#pragma once

#include "kernels/conv/windows_launch.h"
#include "runtime/device/stream.h"
#include "runtime/tensor/dtype.h"

namespace kine::kernels::cuda {

void launch_windows(const WindowArguments<float>& work, Stream stream);
void launch_windows(const WindowArguments<BFloat16>& work, Stream stream);
void launch_windows(const WindowArguments<Float16>& work, Stream stream);

}  // namespace kine::kernels::cuda
