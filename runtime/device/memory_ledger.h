// What an allocator owes: live bytes, their peak and their budget. The arithmetic behind Allocator, without the memory.
#pragma once

#include "runtime/error.h"

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace kine {

/// Safe for several threads.
class MemoryLedger {
  public:
    /// Counts `bytes` more as live. ErrorCode::DoesNotFit beyond the budget; `option` is how a user would raise it.
    void take(int64_t bytes, std::string_view option) {
        const std::lock_guard lock(mutex_);
        check(budget_ == 0 || in_use_ + bytes <= budget_, ErrorCode::DoesNotFit,
              "allocation of {} bytes does not fit: {} in use, budget {} (raise {})", bytes, in_use_, budget_, option);
        in_use_ += bytes;
        peak_ = std::max(peak_, in_use_);
    }
    void give(int64_t bytes) noexcept {
        const std::lock_guard lock(mutex_);
        in_use_ -= bytes;
    }
    int64_t in_use() const { return read(in_use_); }
    int64_t peak() const { return read(peak_); }
    int64_t budget() const { return read(budget_); }
    void reset_peak() {
        const std::lock_guard lock(mutex_);
        peak_ = in_use_;
    }
    void set_budget(int64_t bytes) {
        const std::lock_guard lock(mutex_);
        budget_ = bytes;
    }

  private:
    int64_t read(const int64_t& field) const {
        const std::lock_guard lock(mutex_);
        return field;
    }

    mutable std::mutex mutex_;
    int64_t in_use_ = 0;
    int64_t peak_ = 0;
    int64_t budget_ = 0;
};

}  // namespace kine
