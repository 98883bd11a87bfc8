// GPUs for tests of dispatch. Two programs are made of the same tests: one has emulated devices behind this header
// (emulated_device.cpp), whose memory the host may not touch and whose kernels are ours on an emulated grid; the other
// has the machine's GPUs (real_gpus.cpp).
#pragma once

#include "runtime/context.h"

#include <memory>
#include <string>

namespace kine {

class TestDevice {
  public:
    /// With more than one, context().others has the rest.
    explicit TestDevice(int devices = 1);
    ~TestDevice();
    TestDevice(const TestDevice&) = delete;
    TestDevice& operator=(const TestDevice&) = delete;

    /// Why there are not so many; empty where context() may be used.
    static std::string why_none(int devices = 1);

    Context& context();
    const Context& host() { return context().host(); }
    /// Of the first device's memory.
    const Allocator& memory();

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// Emulated devices have an emulated cuDNN as long as this lives; GPUs have the machine's, if it has one, all the time.
class WithCudnn {
  public:
    WithCudnn();
    ~WithCudnn();
    WithCudnn(const WithCudnn&) = delete;
    WithCudnn& operator=(const WithCudnn&) = delete;
};

/// Emulated devices are of compute capability 9.0 as long as this lives, else of 8.0: attention on Hopper takes long to
/// emulate. GPUs are what they are.
class WithHopper {
  public:
    WithHopper();
    ~WithHopper();
    WithHopper(const WithHopper&) = delete;
    WithHopper& operator=(const WithHopper&) = delete;
};
bool has_hopper();  ///< the first device

}  // namespace kine
