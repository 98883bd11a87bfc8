#include "runtime/device/repeated_memory.h"

#include "runtime/device/memory_layout.h"
#include "runtime/error.h"
#include "runtime/meanwhile.h"

#include <iterator>
#include <utility>

namespace kine {

namespace {

constexpr int64_t kAlignment = 256;  // of CUDA's own allocations, which choices of kernels depend on

}  // namespace

void RepeatedMemory::watch(const std::function<void()>& work) {
    moment_ = 0;
    watched_.clear();
    held_.clear();
    const Meanwhile watching(is_watching_, true);
    work();
}

void RepeatedMemory::repeat(const MemoryPlan& plan, const std::function<void()>& work) {
    next_ = 0;
    const Meanwhile repeated(repeated_, &plan);
    work();
    check(next_ == plan.allocations.size() && lent_.empty(), ErrorCode::Bug,
          "repeated work made {} of {} allocations and holds {}", next_, plan.allocations.size(), lent_.size());
}

std::optional<size_t> RepeatedMemory::watched_at(const void* memory, int64_t bytes) const {
    const auto found = held_.find(memory);
    if (!is_watching_ || found == held_.end() || watched_[found->second].bytes != bytes) return std::nullopt;
    return found->second;
}

std::optional<MemoryPlan> RepeatedMemory::plan(const std::map<size_t, std::byte*>& elsewhere, int64_t reserved) {
    const std::vector<Watched> watched = std::exchange(watched_, {});
    MemoryPlan plan;
    std::vector<Lifetime> in_arena;
    for (size_t i = 0; i < watched.size(); ++i) {
        const auto place = elsewhere.find(i);
        plan.allocations.push_back({watched[i].bytes, place == elsewhere.end() ? nullptr : place->second});
        if (place != elsewhere.end()) continue;
        if (!watched[i].end) return std::nullopt;
        in_arena.push_back({watched[i].bytes, watched[i].begin, *watched[i].end});
    }
    const MemoryLayout layout = lay_out(in_arena, kAlignment);
    make_room(layout.bytes, reserved);
    plan.arena = arena_;
    auto offset = layout.offsets.begin();
    for (MemoryPlan::Allocation& allocation : plan.allocations)
        if (allocation.place == nullptr) allocation.place = arena_.get() + *offset++;
    return plan;
}

void RepeatedMemory::make_room(int64_t bytes, int64_t reserved) {
    if (bytes <= arena_bytes_) return;
    check(pool_.budget() == 0 || pool_.bytes_in_use() + 2 * bytes + reserved <= pool_.budget(), ErrorCode::DoesNotFit,
          "an arena of {} bytes, and as much beside it, does not fit: {} in use, budget {}", bytes,
          pool_.bytes_in_use(), pool_.budget());
    auto* memory = static_cast<std::byte*>(pool_.allocate(bytes));
    arena_ = {memory, [&pool = pool_, bytes](std::byte* arena) { pool.release(arena, bytes); }};
    arena_bytes_ = bytes;
}

void* RepeatedMemory::next_place(int64_t bytes) {
    const auto& allocations = repeated_->allocations;
    check(next_ < allocations.size() && allocations[next_].bytes == bytes, ErrorCode::Bug,
          "allocation {} of repeated work has {} bytes, planned were {}", next_, bytes,
          next_ < allocations.size() ? allocations[next_].bytes : 0);
    std::byte* const place = allocations[next_].place;
    const auto behind = lent_.lower_bound(place);
    const bool meets = (behind != lent_.end() && behind->first < place + bytes) ||
                       (behind != lent_.begin() && std::prev(behind)->first + std::prev(behind)->second > place);
    check(!meets, ErrorCode::Bug, "allocation {} of repeated work meets one that was released by then", next_);
    lent_[place] = bytes;
    ++next_;
    return place;
}

void* RepeatedMemory::allocate(int64_t bytes) {
    if (repeated_ != nullptr) return next_place(bytes);
    void* const memory = pool_.allocate(bytes);
    if (is_watching_) {
        held_[memory] = watched_.size();
        watched_.push_back({bytes, moment_++});
    }
    return memory;
}

void RepeatedMemory::release(void* memory, int64_t bytes) noexcept {
    if (lent_.erase(static_cast<std::byte*>(memory)) > 0) return;
    if (const auto held = held_.find(memory); is_watching_ && held != held_.end()) {
        watched_[held->second].end = moment_++;
        held_.erase(held);
    }
    pool_.release(memory, bytes);
}

}  // namespace kine
