// Host memory that an emulated grid takes for a GPU's.
#pragma once

#include "runtime/device/graph_recording.h"
#include "runtime/device/host/host_allocator.h"

#include <cstddef>
#include <map>
#include <mutex>

namespace kine {

class EmulatedMemory final : public Allocator {
  public:
    /// Says that it lies on `device`; shared, the host may use it too.
    EmulatedMemory(Device device, bool is_shared) : device_(device), is_shared_(is_shared) {}

    void* allocate(int64_t bytes) override {
        GraphRecording::refuse("an allocation from the pool");
        void* memory = memory_.allocate(bytes);
        const std::lock_guard lock(mutex);
        blocks[static_cast<const std::byte*>(memory)] = bytes;
        return memory;
    }
    void release(void* memory, int64_t bytes) noexcept override {
        {
            const std::lock_guard lock(mutex);
            blocks.erase(static_cast<const std::byte*>(memory));
        }
        memory_.release(memory, bytes);
    }
    /// Whether all of these bytes are of one piece that was allocated from any of these.
    static bool holds(const void* memory, int64_t bytes) {
        const auto* first = static_cast<const std::byte*>(memory);
        const std::lock_guard lock(mutex);
        const auto next = blocks.upper_bound(first);
        return next != blocks.begin() && first + bytes <= std::prev(next)->first + std::prev(next)->second;
    }
    Device device() const override { return device_; }
    bool is_shared() const override { return is_shared_; }
    int64_t bytes_in_use() const override { return memory_.bytes_in_use(); }
    int64_t peak_bytes() const override { return memory_.peak_bytes(); }
    void reset_peak() override { memory_.reset_peak(); }
    void set_budget(int64_t bytes) override { memory_.set_budget(bytes); }
    int64_t budget() const override { return memory_.budget(); }

  private:
    static inline std::mutex mutex;
    static inline std::map<const std::byte*, int64_t> blocks;  // that are in use, of all emulated memories

    Device device_;
    bool is_shared_;
    HostAllocator memory_;
};

}  // namespace kine
