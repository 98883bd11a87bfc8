// What a run makes its frames of follows from where it computes and from who takes them.
#include "apps/embed/frame_tap.h"
#include "apps/embed/job_setup.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

namespace kine::embed {
namespace {

constexpr Device kGpu = {DeviceKind::Cuda, 0};

class FrameFormat : public testing::Test {
  protected:
    /// Those of a job with such outputs.
    PixelFormat of(const Device& device, const std::vector<std::string>& outputs, bool host_looks = false) {
        std::vector<std::unique_ptr<codecs::Sink>> takers;
        takers.push_back(std::make_unique<FrameTap>(count_, [](const Frame&) {}));
        for (const std::string& output : outputs)
            takers.push_back(codecs::open_sink((folder_ / output).string(), {64, 64, {24, 1}, 1, {}}, {}));
        return frame_format(device, takers, host_looks);
    }

  private:
    TemporaryFolder folder_;
    std::atomic<int64_t> count_ = 0;
};

TEST_F(FrameFormat, IsWhatEncodersWantOnAGpu) {
    EXPECT_EQ(of(kGpu, {"v.mp4"}), PixelFormat::Yuv420p);
    EXPECT_EQ(of(kGpu, {"v.mp4", "w.y4m"}), PixelFormat::Yuv420p);
    EXPECT_EQ(of(kGpu, {}), PixelFormat::Yuv420p) << "nobody looks at them";
}

TEST_F(FrameFormat, IsRgbWhereAnyoneWantsThat) {
    EXPECT_EQ(of(kGpu, {"v.mp4", "v.png"}), PixelFormat::Rgb24);
    EXPECT_EQ(of(kGpu, {"v.gif"}), PixelFormat::Rgb24);
    EXPECT_EQ(of(kGpu, {"v.mp4"}, true), PixelFormat::Rgb24);
}

TEST_F(FrameFormat, IsRgbOnTheCpu) { EXPECT_EQ(of(Device{}, {"v.mp4"}), PixelFormat::Rgb24); }

}  // namespace
}  // namespace kine::embed
