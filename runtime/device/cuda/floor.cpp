#include "runtime/device/cuda/floor.h"

#include "runtime/device/cuda/check.h"
#include "runtime/device/cuda/pool.h"
#include "runtime/device/cuda/stream.h"

#include <cuda_runtime_api.h>

namespace kine {

namespace {

class CudaFloor final : public DeviceFloor {
  public:
    explicit CudaFloor(Device device) : stream_(device), memory_(device, stream_.get()) {}

    Allocator& memory() override { return memory_; }
    Stream stream() const override { return stream_.get(); }
    void let_in(Device other) override { memory_.let_in(other); }
    int64_t free_bytes() const override {
        use_device(stream_.device());
        size_t free = 0, total = 0;
        check_cuda(cudaMemGetInfo(&free, &total), "free memory of " + to_string(stream_.device()));
        return static_cast<int64_t>(free);
    }

  private:
    CudaStream stream_;
    CudaPool memory_;
};

}  // namespace

std::unique_ptr<DeviceFloor> open_cuda_floor(Device device) { return std::make_unique<CudaFloor>(device); }

}  // namespace kine
