// Memory of work that is done again and again with the same allocations in the same order: it is watched once, then
// planned, and from then on each allocation has its place, as a graph of a GPU asks for.
#pragma once

#include "runtime/device/allocator.h"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace kine {

/// The allocations of some work, in order. What lies in the arena is good until the work is over.
struct MemoryPlan {
    struct Allocation {
        int64_t bytes = 0;
        std::byte* place = nullptr;
    };
    std::vector<Allocation> allocations;
    std::shared_ptr<std::byte> arena;
};

/// On top of another allocator, which it hands everything on to that is not planned. As any allocator, it outlives what
/// comes from it. One thread at a time.
class RepeatedMemory final : public Allocator {
  public:
    /// `pool` must outlive it.
    explicit RepeatedMemory(Allocator& pool) : pool_(pool) {}

    /// Does the work and notes its allocations, for plan().
    void watch(const std::function<void()>& work);
    /// While it is watched: which allocation is at `memory`, held now and of so many bytes.
    std::optional<size_t> watched_at(const void* memory, int64_t bytes) const;
    /// Places for the last watched work's allocations; those in `elsewhere` have one. Plans share an arena where it is
    /// large enough. Empty where one without a place is still held, so that it is not for the work alone.
    /// ErrorCode::DoesNotFit where there is no room for the arena, `reserved` bytes, and as much as the arena again,
    /// for work that is not planned.
    std::optional<MemoryPlan> plan(const std::map<size_t, std::byte*>& elsewhere, int64_t reserved = 0);

    /// Does the work, whose allocations are those of `plan`. ErrorCode::Bug where they are others, or held otherwise.
    void repeat(const MemoryPlan& plan, const std::function<void()>& work);
    /// No new plan is put into the arena.
    void forget_arena() { arena_.reset(), arena_bytes_ = 0; }

    void* allocate(int64_t bytes) override;
    void release(void* memory, int64_t bytes) noexcept override;
    Device device() const override { return pool_.device(); }
    bool is_shared() const override { return pool_.is_shared(); }
    int64_t bytes_in_use() const override { return pool_.bytes_in_use(); }
    int64_t peak_bytes() const override { return pool_.peak_bytes(); }
    void reset_peak() override { pool_.reset_peak(); }
    void set_budget(int64_t bytes) override { pool_.set_budget(bytes); }
    int64_t budget() const override { return pool_.budget(); }

  private:
    struct Watched {
        int64_t bytes = 0;
        int64_t begin = 0;
        std::optional<int64_t> end = {};
    };

    void* next_place(int64_t bytes);
    void make_room(int64_t bytes, int64_t reserved);

    Allocator& pool_;
    bool is_watching_ = false;
    int64_t moment_ = 0;
    std::vector<Watched> watched_;
    std::map<const void*, size_t> held_;  // of watched_, by where
    const MemoryPlan* repeated_ = nullptr;
    size_t next_ = 0;
    std::map<const std::byte*, int64_t> lent_;  // bytes that were handed out, by where
    std::shared_ptr<std::byte> arena_;
    int64_t arena_bytes_ = 0;
};

}  // namespace kine
