#include "runtime/device/floor.h"

#include "runtime/device/cuda/floor.h"
#include "runtime/device/gpus.h"
#include "runtime/device/host/host_allocator.h"

namespace kine {

namespace {

class HostFloor final : public DeviceFloor {
  public:
    Allocator& memory() override { return memory_; }

  private:
    HostAllocator memory_;
};

}  // namespace

std::unique_ptr<DeviceFloor> open_floor(Device device) {
    if (device.kind == DeviceKind::Cpu) return std::make_unique<HostFloor>();
    check_usable(device, find_gpus());
    return open_cuda_floor(device);
}

}  // namespace kine
