// Launch of attention between few tokens.
#pragma once

#include "kernels/attention/temporal_launch.h"
#include "runtime/device/stream.h"

namespace kine::kernels::cuda {

/// For what temporal_can_run() accepts.
void launch_temporal(const TemporalArguments<BFloat16>& all, int head_size, Stream stream);
void launch_temporal(const TemporalArguments<Float16>& all, int head_size, Stream stream);

}  // namespace kine::kernels::cuda
