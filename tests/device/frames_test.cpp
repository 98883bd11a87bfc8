// Frames that a GPU makes as encoders want them: what a whole run gives is what its RGB frames would have become.
#include "dit/generator.h"
#include "dit/golden_case.h"
#include "kernels/color/color.h"
#include "runtime/tensor/staging.h"
#include "tests/support/device/test_device.h"
#include "tests/support/expect_close.h"
#include "tests/support/source_tree.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace kine::dit {
namespace {

std::filesystem::path golden_case() { return source_tree() / "tests" / "golden" / "latte"; }

std::vector<Frame> frames_of_a_run(int devices, PixelFormat format) {
    TestDevice device(devices);
    const auto generator = Generator::open(device.context(), golden_case() / "model", DType::Float32);
    Request request = GoldenCase(golden_case()).request();
    request.steps = 2;
    request.ranks = devices;
    if (devices > 1) request.parallel = "dsp";
    FrameQueue queue(1024, format);
    Observer nobody;
    generator->generate(device.context(), request, queue, nobody, {});
    std::vector<Frame> frames;
    while (const auto frame = queue.pop()) frames.push_back(*frame);
    return frames;
}

/// All planes.
std::vector<uint8_t> bytes_of(const Frame& frame) {
    std::vector<uint8_t> bytes;
    for (int plane = 0; plane < plane_count(frame.format()); ++plane)
        bytes.insert(bytes.end(), frame.plane(plane).begin(), frame.plane(plane).end());
    return bytes;
}

/// What the host makes of an Rgb24 frame.
std::vector<uint8_t> as_yuv420p(const Context& host, const Frame& frame) {
    std::vector<float> values;
    for (const uint8_t level : frame.plane(0)) values.push_back(static_cast<float>(level) / 255.0f);
    const Tensor picture = Tensor::of<float>(host, {1, frame.height(), frame.width(), 3}, values);
    const Tensor bytes = kernels::to_frames(host, picture, PixelFormat::Yuv420p);
    return {bytes.data<uint8_t>(), bytes.data<uint8_t>() + bytes.elements()};
}

int largest_difference(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
    int largest = a.size() == b.size() ? 0 : 256;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        largest = std::max(largest, std::abs(int{a[i]} - int{b[i]}));
    return largest;
}

class FramesOfDevices : public testing::TestWithParam<int> {
  protected:
    void SetUp() override {
        if (const std::string reason = TestDevice::why_none(GetParam()); !reason.empty()) GTEST_SKIP() << reason;
    }
};

TEST_P(FramesOfDevices, AreThoseThatRgbWouldHaveBecome) {
    const std::vector<Frame> rgb = frames_of_a_run(GetParam(), PixelFormat::Rgb24);
    const std::vector<Frame> yuv = frames_of_a_run(GetParam(), PixelFormat::Yuv420p);
    ASSERT_FALSE(rgb.empty());
    ASSERT_EQ(yuv.size(), rgb.size());
    TestDevice device;
    for (size_t i = 0; i < yuv.size(); ++i) {
        EXPECT_EQ(yuv[i].format(), PixelFormat::Yuv420p);
        EXPECT_EQ(yuv[i].index, static_cast<int64_t>(i));
        EXPECT_EQ(yuv[i].bytes() * 2, rgb[i].bytes()) << "half of what would cross the bus";
        // One rounding instead of two.
        EXPECT_LE(largest_difference(bytes_of(yuv[i]), as_yuv420p(device.host(), rgb[i])), 1) << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Runs, FramesOfDevices, testing::Values(1, 2));

TEST(Staging, GivesTheBytesOfTheDeviceInTheSameMemoryAgain) {
    if (const std::string reason = TestDevice::why_none(); !reason.empty()) GTEST_SKIP() << reason;
    TestDevice device;
    Staging staging;
    const Tensor large = random_tensor(device.host(), {7, 11}, DType::Float32, 3);
    const Tensor small = random_tensor(device.host(), {5}, DType::Float32, 4);
    const Tensor first = staging.to_host(device.context(), to_device(device.context(), large));
    EXPECT_TRUE(same_bits(first, large));
    const Tensor second = staging.to_host(device.context(), to_device(device.context(), small));
    EXPECT_TRUE(same_bits(second, small));
    EXPECT_EQ(second.raw(), first.raw());
    EXPECT_EQ(staging.to_host(device.host(), large).raw(), large.raw()) << "is there already";
}

}  // namespace
}  // namespace kine::dit
