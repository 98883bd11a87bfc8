// A GPU as work stands on it. Builds without CUDA refuse (without_cuda/).
#pragma once

#include "runtime/device/floor.h"

namespace kine {

std::unique_ptr<DeviceFloor> open_cuda_floor(Device device);

}  // namespace kine
