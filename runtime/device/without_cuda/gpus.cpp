// What there is of GPUs in a build without CUDA: none.
#include "runtime/device/cuda/floor.h"
#include "runtime/device/cuda/probe.h"
#include "runtime/error.h"

namespace kine {

GpuFacts probe_gpus() { return {}; }

std::unique_ptr<DeviceFloor> open_cuda_floor(Device device) {
    fail(ErrorCode::Device, "{}: this build has no CUDA", to_string(device));
}

}  // namespace kine
