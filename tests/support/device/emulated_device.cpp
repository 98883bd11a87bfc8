#include "runtime/device/cuda/commands.h"
#include "runtime/device/host/host_allocator.h"
#include "tests/support/device/test_device.h"

#include <cstring>

namespace kine {

namespace {

constexpr Device kEmulated = {DeviceKind::Cuda, 0};

/// Host memory that says it is a device's, so that whoever touches it from the host is told.
class EmulatedMemory final : public Allocator {
  public:
    void* allocate(int64_t bytes) override { return memory_.allocate(bytes); }
    void release(void* memory, int64_t bytes) noexcept override { memory_.release(memory, bytes); }
    Device device() const override { return kEmulated; }
    int64_t bytes_in_use() const override { return memory_.bytes_in_use(); }
    int64_t peak_bytes() const override { return memory_.peak_bytes(); }
    void reset_peak() override { memory_.reset_peak(); }
    void set_budget(int64_t bytes) override { memory_.set_budget(bytes); }
    int64_t budget() const override { return memory_.budget(); }

  private:
    HostAllocator memory_;
};

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
    EmulatedMemory memory;
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
