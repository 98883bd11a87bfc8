// Launches of group norm.
#pragma once

#include "kernels/norm/group_norm_launch.h"
#include "runtime/device/stream.h"
#include "runtime/tensor/dtype.h"

namespace kine::kernels::cuda {

/// Up to kGroupNormWidest channels.
void launch_group_norm(const GroupNormArguments<float>& norm, Stream stream);
void launch_group_norm(const GroupNormArguments<BFloat16>& norm, Stream stream);
void launch_group_norm(const GroupNormArguments<Float16>& norm, Stream stream);

}  // namespace kine::kernels::cuda
