// Attention whose queries and keys are normed and turned on the way in: of a model's tokens, what comes out is what
// comes out of tokens that were placed before.
#include "dit/modules/rank_attention.h"
#include "runtime/tensor/transfer.h"
#include "tests/support/device/test_device.h"
#include "tests/support/expect_close.h"
#include "tests/support/random.h"

#include <gtest/gtest.h>

namespace kine::dit {
namespace {

using parallel::Attended;

constexpr int64_t kFrames = 6, kPatches = 10, kHeads = 2, kHeadSize = 32;

class PlacingOnADevice : public testing::TestWithParam<Attended> {
  protected:
    void SetUp() override {
        if (const std::string reason = TestDevice::why_none(); !reason.empty()) GTEST_SKIP() << reason;
        device_ = std::make_unique<TestDevice>();
    }
    const Context& context() { return device_->context(); }
    Tensor random(const Shape& shape, DType dtype, uint64_t seed) {
        return to_device(context(), random_tensor(device_->host(), shape, dtype, seed));
    }
    std::vector<double> values(const Tensor& x) { return to_doubles(to_host(context(), x)); }

  private:
    std::unique_ptr<TestDevice> device_;
};

TEST_P(PlacingOnADevice, GivesWhatPlacingBeforeGives) {
    const Shape turned = GetParam() == Attended::Frames ? Shape{kFrames, 1, kHeadSize} : Shape{1, kPatches, kHeadSize};
    const Placing placing = {
        {random({kHeadSize}, DType::Float32, 1), random({kHeadSize}, DType::Float32, 2), {}, {}, 1e-5f},
        random(turned, DType::Float32, 3)};
    const Tensor qkv = random({2, kFrames, kPatches, 3, kHeads, kHeadSize}, DType::BFloat16, 4);
    const std::vector<double> before = values(qkv);
    const Mixed on_the_way = attend_here(context(), GetParam(), {qkv, {}}, placing);
    EXPECT_EQ(values(qkv), before) << "placed in place";
    Tensor queries = qkv.select(3, 0), keys = qkv.select(3, 1);
    kernels::place_heads(context(), queries, keys, placing.norms, placing.turns);
    const Mixed placed = attend_here(context(), GetParam(), {qkv, {}});
    expect_close(to_host(context(), on_the_way.video), values(placed.video), {1.6e-2, 1.6e-2});
}

INSTANTIATE_TEST_SUITE_P(Axes, PlacingOnADevice, testing::Values(Attended::Frames, Attended::Patches),
                         [](const auto& axis) { return axis.param == Attended::Frames ? "Frames" : "Patches"; });

}  // namespace
}  // namespace kine::dit
