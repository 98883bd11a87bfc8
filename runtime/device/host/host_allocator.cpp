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
    ledger_.take(size, "--max-ram");
    if (void* memory = find_memory(size)) return memory;
    ledger_.give(size);
    fail(ErrorCode::DoesNotFit, "out of memory: {} bytes wanted, {} in use", size, ledger_.in_use());
}

void* HostAllocator::find_memory(int64_t size) {
    const std::lock_guard lock(mutex_);
    if (void* kept = take_kept(size)) return kept;
    const auto fresh = [size] { return std::aligned_alloc(size_t{kAlignment}, static_cast<size_t>(size)); };
    if (void* memory = fresh()) return memory;
    free_kept();
    return fresh();
}

void HostAllocator::release(void* memory, int64_t bytes) noexcept {
    const int64_t size = rounded(bytes);
    ledger_.give(size);
    const std::lock_guard lock(mutex_);
    const int64_t budget = ledger_.budget();
    const bool within_budget = budget == 0 || ledger_.in_use() + kept_bytes_ + size <= budget;
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

}  // namespace kine
