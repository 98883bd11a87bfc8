#include "runtime/device/cuda/commands.h"
#include "runtime/device/cuda/pinned.h"
#include "runtime/device/host/host_allocator.h"
#include "tests/support/cuda/emulated_memory.h"
#include "tests/support/device/test_device.h"

#include <cstring>
#include <deque>

namespace kine {

// What runtime/device/cuda/commands.h promises, at once.
thread_local Device used = {DeviceKind::Cuda, 0};
void use_device(Device device) { used = device; }
Device used_device() { return used; }
void copy_async(void* to, const void* from, int64_t bytes, Stream) {
    std::memcpy(to, from, static_cast<size_t>(bytes));
}
void copy_between_async(GpuMemory to, GpuMemory from, int64_t bytes, Stream) {
    std::memcpy(to.address, from.address, static_cast<size_t>(bytes));
}
void zero_async(void* to, int64_t bytes, Stream) { std::memset(to, 0, static_cast<size_t>(bytes)); }
void synchronize(Stream) {}

PinnedBuffer::PinnedBuffer(int64_t bytes) : memory_(new std::byte[static_cast<size_t>(bytes)]), size_(bytes) {}
PinnedBuffer::~PinnedBuffer() { delete[] memory_; }

struct TestDevice::Parts {
    explicit Parts(int devices) {
        for (int index = 1; index < devices; ++index) {
            memories.emplace_back(Device{DeviceKind::Cuda, index}, false);
            others.push_back(on(memories.back()));
        }
        if (!others.empty()) context.others = &others;
    }

    Context on(EmulatedMemory& of_device) { return {of_device.device(), of_device, threads, profiler, {}, &host}; }

    HostAllocator host_memory;
    EmulatedMemory memory{{DeviceKind::Cuda, 0}, false};
    std::deque<EmulatedMemory> memories;  // of the other devices
    ThreadPool threads{2};
    Profiler profiler;
    Context host{Device{}, host_memory, threads, profiler};
    std::vector<Context> others;
    Context context{on(memory)};
};

TestDevice::TestDevice(int devices) : parts_(std::make_unique<Parts>(devices)) {}
TestDevice::~TestDevice() = default;
std::string TestDevice::why_none(int) { return ""; }
Context& TestDevice::context() { return parts_->context; }
const Allocator& TestDevice::memory() { return parts_->memory; }

}  // namespace kine
