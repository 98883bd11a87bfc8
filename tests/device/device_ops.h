// Ops on a GPU against the same ops on the host, which are themselves held to twins in double. Tensors of the device
// are out of the host's reach, so an op that forgot to move something is told.
#pragma once

#include "kernels/move/move.h"
#include "runtime/tensor/transfer.h"
#include "tests/support/device/test_device.h"
#include "tests/support/expect_close.h"

#include <functional>

namespace kine::kernels {

using Inputs = std::vector<Tensor>;
using Op = std::function<Tensor(const Context&, const Inputs&)>;

inline constexpr DType kTypes[] = {DType::Float32, DType::BFloat16, DType::Float16};

/// The CPU does not compute in f16: it does what it is held against in f32.
inline DType known_to(const Context& context, DType dtype) {
    return dtype == DType::Float16 && context.device.kind == DeviceKind::Cpu ? DType::Float32 : dtype;
}

/// Two computations that round alike but for sums in another order: an exponential's last places, or one rounding to
/// bf16 that fell to the other side. Those in f16 round where the host does not, twice at most.
inline Tolerance alike(DType dtype, double absolute = 2e-6) {
    if (dtype == DType::Float16) return {1e-3, std::max(absolute, 2e-5)};
    return dtype == DType::BFloat16 ? Tolerance{8e-3, std::max(absolute, 2e-5)} : Tolerance{2e-6, absolute};
}

class DeviceOps : public testing::Test {
  protected:
    void SetUp() override {
        if (const std::string reason = TestDevice::why_none(); !reason.empty()) GTEST_SKIP() << reason;
        device_ = std::make_unique<TestDevice>();
    }
    const Context& host() { return device_->host(); }
    const Context& device() { return device_->context(); }

    Tensor random(const Shape& shape, DType dtype, float scale = 1.0f) {
        return random_tensor(host(), shape, dtype, ++seed_, scale);
    }
    Tensor on_device(const Op& op, const Inputs& inputs) {
        Inputs moved;
        for (const Tensor& input : inputs) moved.push_back(to_device(device(), input));
        return to_host(device(), contiguous(device(), op(device(), moved)));
    }
    void expect_alike(const Op& op, const Inputs& inputs, Tolerance tolerance) {
        const Tensor want = contiguous(host(), op(host(), copies(inputs)));
        const Tensor got = on_device(op, inputs);
        ASSERT_EQ(got.shape(), want.shape());
        ASSERT_EQ(known_to(host(), got.dtype()), want.dtype());
        expect_close(got, to_doubles(want), tolerance);
    }

  private:
    /// An op in place may not change what the device is given afterwards.
    Inputs copies(const Inputs& inputs) {
        Inputs fresh;
        for (const Tensor& input : inputs)
            fresh.push_back(from_doubles(host(), input.shape(), known_to(host(), input.dtype()), to_doubles(input)));
        return fresh;
    }

    std::unique_ptr<TestDevice> device_;
    uint64_t seed_ = 0;
};

}  // namespace kine::kernels
