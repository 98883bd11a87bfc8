// Launches of the conversion to pictures that encoders want.
#pragma once

#include "kernels/color/yuv420_launch.h"
#include "runtime/device/stream.h"
#include "runtime/tensor/dtype.h"

namespace kine::kernels::cuda {

void launch_yuv420(const Yuv420Arguments<float>& picture, Stream stream);
void launch_yuv420(const Yuv420Arguments<BFloat16>& picture, Stream stream);
void launch_yuv420(const Yuv420Arguments<Float16>& picture, Stream stream);

}  // namespace kine::kernels::cuda
