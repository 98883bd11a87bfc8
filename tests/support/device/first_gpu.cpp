#include "runtime/config.h"
#include "runtime/device/cuda/pool.h"
#include "runtime/device/cuda/stream.h"
#include "runtime/device/gpus.h"
#include "runtime/device/host/host_allocator.h"
#include "tests/support/device/test_device.h"

namespace kine {

namespace {

constexpr Device kFirstGpu = {DeviceKind::Cuda, 0};

}  // namespace

struct TestDevice::Parts {
    HostAllocator host_memory;
    CudaStream stream{kFirstGpu};
    CudaPool memory{kFirstGpu, stream.get()};
    ThreadPool threads{2};
    Profiler profiler;
    Context host{Device{}, host_memory, threads, profiler};
    Context context{kFirstGpu, memory, threads, profiler, stream.get(), &host};
};

TestDevice::TestDevice() : parts_(std::make_unique<Parts>()) {}
TestDevice::~TestDevice() = default;
std::string TestDevice::why_none() { return why_unusable(find_gpus(), 0); }
Context& TestDevice::context() { return parts_->context; }
const Allocator& TestDevice::memory() { return parts_->memory; }

}  // namespace kine
