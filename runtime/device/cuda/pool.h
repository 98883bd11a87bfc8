// Memory of a GPU in the order of a queue: what is given back is used again by later work of the same queue, without
// waiting for the device. Only in builds with CUDA.
#pragma once

#include "runtime/device/allocator.h"
#include "runtime/device/memory_ledger.h"
#include "runtime/device/stream.h"

namespace kine {

/// Work on its memory belongs to `stream`, which must outlive it; other queues wait by events. Safe for several
/// threads.
class CudaPool final : public Allocator {
  public:
    CudaPool(Device device, Stream stream);
    ~CudaPool() override;
    CudaPool(const CudaPool&) = delete;
    CudaPool& operator=(const CudaPool&) = delete;

    void* allocate(int64_t bytes) override;
    void release(void* memory, int64_t bytes) noexcept override;
    Device device() const override { return device_; }
    int64_t bytes_in_use() const override { return ledger_.in_use(); }
    int64_t peak_bytes() const override { return ledger_.peak(); }
    void reset_peak() override { ledger_.reset_peak(); }
    void set_budget(int64_t bytes) override { ledger_.set_budget(bytes); }
    int64_t budget() const override { return ledger_.budget(); }
    /// Lets another GPU read and write what comes from here, where the two can: memory of a pool is the device's own.
    void let_in(Device other);
    /// Gives what is free back to the device; waits for the queue.
    void trim();

  private:
    Device device_;
    Stream stream_;
    void* pool_ = nullptr;
    MemoryLedger ledger_;
};

}  // namespace kine
