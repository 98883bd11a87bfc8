// The T5 encoder on a GPU in f16, whose range the published encoders leave.
#include "kernels/elementwise/elementwise.h"
#include "runtime/tensor/transfer.h"
#include "tests/dit/t5_checkpoint.h"
#include "tests/support/device/test_device.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kine::dit {
namespace {

TEST(T5OnDevice, AddsWhatIsBeyondTheRangeOfFloat16) {
    if (const std::string reason = TestDevice::why_none(); !reason.empty()) GTEST_SKIP() << reason;
    TestDevice device;
    const T5Config config = small_config();
    Checkpoint checkpoint(device.host(), config);
    checkpoint.multiply("wi_1.weight", 100.0);
    checkpoint.multiply("wo.weight", 1000.0);  // what a layer adds is about 300 x 100 x 5, and 65504 the largest f16
    const std::vector<int64_t> ids = {7, 3, 22, 0, 11, 5, 9, 2};
    const std::vector<uint8_t> mask(ids.size(), 1);
    const auto encode = [&](const Context& context, DType dtype) {
        const T5Encoder encoder = checkpoint.encoder(context, config, dtype);
        const Tensor states =
            encoder(context, Tensor::of<int64_t>(context, {8}, ids), Tensor::of<uint8_t>(context, {8}, mask));
        return to_doubles(to_host(context, kernels::cast(context, states, DType::Float32)));
    };
    const std::vector<double> want = encode(device.host(), DType::Float32);
    const std::vector<double> got = encode(device.context(), DType::Float16);
    double error = 0, size = 0;
    for (size_t i = 0; i < want.size(); ++i) {
        ASSERT_TRUE(std::isfinite(got[i])) << i;
        error += (got[i] - want[i]) * (got[i] - want[i]);
        size += want[i] * want[i];
    }
    EXPECT_LT(std::sqrt(error / size), 0.0025);  // an eighth of what bf16 is allowed
}

}  // namespace
}  // namespace kine::dit
