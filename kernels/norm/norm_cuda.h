// Launches of the fused norm.
#pragma once

#include "kernels/norm/norm_launch.h"
#include "runtime/device/stream.h"
#include "runtime/tensor/dtype.h"

namespace kine::kernels::cuda {

/// For rows up to kNormWidest.
void launch_norm(const NormArguments<float>& norm, Stream stream);
void launch_norm(const NormArguments<BFloat16>& norm, Stream stream);
void launch_norm(const NormArguments<Float16>& norm, Stream stream);

}  // namespace kine::kernels::cuda
