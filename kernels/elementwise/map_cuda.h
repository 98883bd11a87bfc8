// Launches of arithmetic element by element.
#pragma once

#include "kernels/elementwise/map_launch.h"
#include "runtime/device/stream.h"
#include "runtime/tensor/dtype.h"

namespace kine::kernels::cuda {

void launch_map(MapKind kind, const MapArguments<float>& map, Stream stream);
void launch_map(MapKind kind, const MapArguments<BFloat16>& map, Stream stream);
void launch_guided_step(const GuidedStepArguments& step, Stream stream);

}  // namespace kine::kernels::cuda
