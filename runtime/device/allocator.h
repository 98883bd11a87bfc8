// Memory of one device, counted. The budget and the peak are about live bytes: what tensors hold at the same time.
#pragma once

#include "runtime/device/device.h"

#include <cstdint>

namespace kine {

class Allocator {
  public:
    virtual ~Allocator() = default;

    /// At least `bytes`, aligned to 64. Throws ErrorCode::DoesNotFit naming the size, what is in use and the budget.
    virtual void* allocate(int64_t bytes) = 0;
    virtual void release(void* memory, int64_t bytes) noexcept = 0;

    virtual Device device() const = 0;
    /// Whether the host and GPUs may both use its memory, as pinned memory is.
    virtual bool is_shared() const { return false; }
    virtual int64_t bytes_in_use() const = 0;
    virtual int64_t peak_bytes() const = 0;
    virtual void reset_peak() = 0;
    /// 0 is unlimited.
    virtual void set_budget(int64_t bytes) = 0;
    virtual int64_t budget() const = 0;
};

}  // namespace kine
