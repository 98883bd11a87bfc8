// Host memory that is kept for the next request of the same size, since fresh pages cost more than the op that fills
// them.
#pragma once

#include "runtime/device/allocator.h"
#include "runtime/device/memory_ledger.h"

#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace kine {

/// Safe for several threads. Live bytes are bounded by the budget; kept free blocks never push the sum over it.
class HostAllocator final : public Allocator {
  public:
    HostAllocator() = default;
    ~HostAllocator() override;
    HostAllocator(const HostAllocator&) = delete;
    HostAllocator& operator=(const HostAllocator&) = delete;

    void* allocate(int64_t bytes) override;
    void release(void* memory, int64_t bytes) noexcept override;
    Device device() const override { return {}; }
    int64_t bytes_in_use() const override { return ledger_.in_use(); }
    int64_t peak_bytes() const override { return ledger_.peak(); }
    void reset_peak() override { ledger_.reset_peak(); }
    void set_budget(int64_t bytes) override { ledger_.set_budget(bytes); }
    int64_t budget() const override { return ledger_.budget(); }
    /// Gives kept blocks back to the system.
    void trim() noexcept;

  private:
    void* find_memory(int64_t size);
    void* take_kept(int64_t size);
    void free_kept() noexcept;

    mutable std::mutex mutex_;
    std::map<int64_t, std::vector<void*>> kept_;
    int64_t kept_bytes_ = 0;
    MemoryLedger ledger_;
};

}  // namespace kine
