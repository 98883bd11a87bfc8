#include "runtime/device/cuda/commands.h"
#include "runtime/device/host/host_allocator.h"
#include "tests/support/cuda/emulated_memory.h"
#include "tests/support/device/test_device.h"

#include <cstring>

namespace kine {

namespace {

constexpr Device kEmulated = {DeviceKind::Cuda, 0};

}  // namespace

// What runtime/device/cuda/commands.h promises, at once.
void use_device(Device) {}
void copy_async(void* to, const void* from, int64_t bytes, Stream) {
    std::memcpy(to, from, static_cast<size_t>(bytes));
}
void zero_async(void* to, int64_t bytes, Stream) { std::memset(to, 0, static_cast<size_t>(bytes)); }
void synchronize(Stream) {}

struct TestDevice::Parts {
    HostAllocator host_memory;
    EmulatedMemory memory{kEmulated, false};
    ThreadPool threads{2};
    Profiler profiler;
    Context host{Device{}, host_memory, threads, profiler};
    Context context{kEmulated, memory, threads, profiler, {}, &host};
};

TestDevice::TestDevice() : parts_(std::make_unique<Parts>()) {}
TestDevice::~TestDevice() = default;
std::string TestDevice::why_none() { return ""; }
Context& TestDevice::context() { return parts_->context; }
const Allocator& TestDevice::memory() { return parts_->memory; }

}  // namespace kine
