// Host memory that an emulated grid takes for a GPU's.
#pragma once

#include "runtime/device/host/host_allocator.h"

namespace kine {

class EmulatedMemory final : public Allocator {
  public:
    /// Says that it lies on `device`; shared, the host may use it too.
    EmulatedMemory(Device device, bool is_shared) : device_(device), is_shared_(is_shared) {}

    void* allocate(int64_t bytes) override { return memory_.allocate(bytes); }
    void release(void* memory, int64_t bytes) noexcept override { memory_.release(memory, bytes); }
    Device device() const override { return device_; }
    bool is_shared() const override { return is_shared_; }
    int64_t bytes_in_use() const override { return memory_.bytes_in_use(); }
    int64_t peak_bytes() const override { return memory_.peak_bytes(); }
    void reset_peak() override { memory_.reset_peak(); }
    void set_budget(int64_t bytes) override { memory_.set_budget(bytes); }
    int64_t budget() const override { return memory_.budget(); }

  private:
    Device device_;
    bool is_shared_;
    HostAllocator memory_;
};

}  // namespace kine
