// Host memory that is kept for the next request of the same size, since fresh pages cost more than the op that fills
// them.
#pragma once

#include "runtime/device/allocator.h"

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
    int64_t bytes_in_use() const override;
    int64_t peak_bytes() const override;
    void reset_peak() override;
    void set_budget(int64_t bytes) override;
    int64_t budget() const override;
    /// Gives kept blocks back to the system.
    void trim() noexcept;

  private:
    void* take_kept(int64_t bytes);
    void free_kept() noexcept;

    mutable std::mutex mutex_;
    std::map<int64_t, std::vector<void*>> kept_;
    int64_t kept_bytes_ = 0;
    int64_t in_use_ = 0;
    int64_t peak_ = 0;
    int64_t budget_ = 0;
};

}  // namespace kine
