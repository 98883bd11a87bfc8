#include "runtime/device/host/host_allocator.h"

#include "runtime/error.h"

#include <algorithm>
#include <cstdlib>

namespace kine {

namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kLargestKept = int64_t{256} << 20;  // larger blocks are rare, and hoarding them starves the host
constexpr int64_t kMostKept = int64_t{1} << 30;

int64_t rounded(int64_t bytes) { return std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment); }

}  // namespace

HostAllocator::~HostAllocator() { trim(); }

void* HostAllocator::allocate(int64_t bytes) {
    check(bytes >= 0 && bytes < (int64_t{1} << 62), ErrorCode::DoesNotFit, "allocation of {} bytes", bytes);
    const int64_t size = rounded(bytes);
    const std::lock_guard lock(mutex_);
    check(budget_ == 0 || in_use_ + size <= budget_, ErrorCode::DoesNotFit,
          "allocation of {} bytes does not fit: {} in use, budget {} (raise --max-ram)", size, in_use_, budget_);
    void* memory = take_kept(size);
    if (!memory) memory = std::aligned_alloc(static_cast<size_t>(kAlignment), static_cast<size_t>(size));
    if (!memory) {
        free_kept();
        memory = std::aligned_alloc(static_cast<size_t>(kAlignment), static_cast<size_t>(size));
    }
    check(memory != nullptr, ErrorCode::DoesNotFit, "out of memory: {} bytes wanted, {} in use", size, in_use_);
    in_use_ += size;
    peak_ = std::max(peak_, in_use_);
    return memory;
}

void HostAllocator::release(void* memory, int64_t bytes) noexcept {
    const int64_t size = rounded(bytes);
    const std::lock_guard lock(mutex_);
    in_use_ -= size;
    const bool within_budget = budget_ == 0 || in_use_ + kept_bytes_ + size <= budget_;
    if (size > kLargestKept || kept_bytes_ + size > kMostKept || !within_budget) {
        std::free(memory);
        return;
    }
    try {
        kept_[size].push_back(memory);
        kept_bytes_ += size;
    } catch (...) {
        std::free(memory);
    }
}

void* HostAllocator::take_kept(int64_t size) {
    const auto found = kept_.find(size);
    if (found == kept_.end() || found->second.empty()) return nullptr;
    void* memory = found->second.back();
    found->second.pop_back();
    kept_bytes_ -= size;
    return memory;
}

void HostAllocator::free_kept() noexcept {
    for (auto& [size, blocks] : kept_) {
        for (void* memory : blocks) std::free(memory);
    }
    kept_.clear();
    kept_bytes_ = 0;
}

void HostAllocator::trim() noexcept {
    const std::lock_guard lock(mutex_);
    free_kept();
}

int64_t HostAllocator::bytes_in_use() const {
    const std::lock_guard lock(mutex_);
    return in_use_;
}

int64_t HostAllocator::peak_bytes() const {
    const std::lock_guard lock(mutex_);
    return peak_;
}

void HostAllocator::reset_peak() {
    const std::lock_guard lock(mutex_);
    peak_ = in_use_;
}

void HostAllocator::set_budget(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    budget_ = bytes;
}

int64_t HostAllocator::budget() const {
    const std::lock_guard lock(mutex_);
    return budget_;
}

}  // namespace kine
