// A GPU as work stands on it. Only in builds with CUDA.
#pragma once

#include "runtime/device/floor.h"

namespace kine {

std::unique_ptr<DeviceFloor> open_cuda_floor(Device device);

}  // namespace kine
