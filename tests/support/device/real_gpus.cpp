#include "kernels/attention/hopper_cuda.h"
#include "runtime/device/floor.h"
#include "runtime/device/host/host_allocator.h"
#include "tests/support/device/test_device.h"
#include "tests/support/wanted_gpu.h"

namespace kine {

struct TestDevice::Parts {
    explicit Parts(int devices) {
        for (int index = 1; index < devices; ++index) {
            floors.push_back(open_floor({DeviceKind::Cuda, index}));
            others.push_back(on(*floors.back()));
        }
        for (const auto& other : floors) {
            other->let_in(context.device);
            floor->let_in(other->memory().device());
        }
        if (!others.empty()) context.others = &others;
    }

    Context on(DeviceFloor& of_device) {
        return {of_device.memory().device(), of_device.memory(), threads, profiler, of_device.stream(), &host};
    }

    HostAllocator host_memory;
    std::unique_ptr<DeviceFloor> floor = open_floor({DeviceKind::Cuda, 0});
    std::vector<std::unique_ptr<DeviceFloor>> floors;  // of the other devices
    ThreadPool threads{2};
    Profiler profiler;
    Context host{Device{}, host_memory, threads, profiler};
    std::vector<Context> others;
    Context context{on(*floor)};
};

TestDevice::TestDevice(int devices) : parts_(std::make_unique<Parts>(devices)) {}
TestDevice::~TestDevice() = default;
std::string TestDevice::why_none(int devices) { return why_no_gpu(devices); }
Context& TestDevice::context() { return parts_->context; }
const Allocator& TestDevice::memory() { return parts_->floor->memory(); }

WithHopper::WithHopper() = default;
WithHopper::~WithHopper() = default;
bool has_hopper() { return kernels::cuda::is_hopper({DeviceKind::Cuda, 0}); }
WithCudnn::WithCudnn() = default;
WithCudnn::~WithCudnn() = default;

}  // namespace kine
