// A GPU for tests of dispatch. Two programs are made of the same tests: one has an emulated device behind this header
// (emulated_device.cpp), whose memory the host may not touch and whose kernels are ours on an emulated grid; the other
// has the first GPU (first_gpu.cpp).
#pragma once

#include "runtime/context.h"

#include <memory>
#include <string>

namespace kine {

class TestDevice {
  public:
    TestDevice();
    ~TestDevice();
    TestDevice(const TestDevice&) = delete;
    TestDevice& operator=(const TestDevice&) = delete;

    /// Why there is none; empty where context() may be used.
    static std::string why_none();

    Context& context();
    const Context& host() { return context().host(); }
    /// Of the device's memory.
    const Allocator& memory();

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace kine
