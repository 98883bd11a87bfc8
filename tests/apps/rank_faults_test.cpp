// A rank that is a thread and hangs: nothing in the process can end it, but the program can.
#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/program.h"
#include "tests/apps/support/stopped_thread.h"
#include "tests/apps/support/videos.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <chrono>

namespace kine::apps {
namespace {

/// Far longer than it takes to see a rank wait, on a busy machine too.
std::vector<std::string> endless_run(const LongModel& model, const std::filesystem::path& video) {
    return {"generate", "-m",         model.path(), "-p",      "a kite", "-f",         "300", "--size",
            "16x16",    "--steps",    "1000",       "--ranks", "2",      "--parallel", "dsp", "--rank-timeout",
            "1",        "--progress", "json",       "-y",      "-o",     video};
}

class HungRank : public testing::TestWithParam<int> {};

TEST_P(HungRank, EndsTheProgramWithItsNameAndItsStep) {
    const LongModel model;
    const TemporaryFolder folder;
    folder.write("video.mp4", "the old video");
    Program program({.arguments = endless_run(model, folder / "video.mp4")});
    ASSERT_TRUE(program.wait_for("{\"done\":2,"));
    const StoppedThread stopped(program.process(), GetParam() == 0 ? "" : fmt::format("rank {}", GetParam()));
    if (!stopped.is_stopped()) GTEST_SKIP() << "threads of another process cannot be stopped here";
    const auto start = std::chrono::steady_clock::now();
    const Ended ended = program.finish();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
    EXPECT_EQ(ended.status, 9) << ended.error;
    EXPECT_TRUE(ended.says(fmt::format("rank {} did not answer", GetParam()))) << ended.error;
    EXPECT_TRUE(ended.says(" in step ") && ended.says("within 1 s")) << ended.error;
    EXPECT_EQ(content_of(folder / "video.mp4"), "the old video");
}

/// Also writes to standard output, which nobody reads: the run stands still in the middle of decoding, and does not
/// take that for silence.
TEST_P(HungRank, EndsTheProgramWhileDecodingAndKeepsTheFinishedFrames) {
    const LongModel model;
    const TemporaryFolder folder;
    Program program({.arguments = generate_with(model.path(), {"-f", "300", "--size", "16x16", "--decode-chunk", "1",
                                                               "--ranks", "2", "--rank-timeout", "2", "--progress",
                                                               "json", "-o", folder / "video.y4m", "-o", "-"})});
    ASSERT_TRUE(program.wait_for("{\"done\":12,"));
    const StoppedThread stopped(program.process(), GetParam() == 0 ? "" : fmt::format("rank {}", GetParam()));
    if (!stopped.is_stopped()) GTEST_SKIP() << "threads of another process cannot be stopped here";
    const auto start = std::chrono::steady_clock::now();
    const Ended ended = program.finish();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
    EXPECT_EQ(ended.status, 9) << ended.error;
    EXPECT_TRUE(ended.says(fmt::format("rank {} did not answer", GetParam()))) << ended.error;
    EXPECT_TRUE(ended.says("in decode of frame ")) << ended.error;
    const size_t frames = frames_of(folder / ".video.y4m.part").size();
    EXPECT_TRUE(frames >= 1 && frames < 300) << frames;
}

INSTANTIATE_TEST_SUITE_P(Each, HungRank, testing::Values(0, 1));

}  // namespace
}  // namespace kine::apps
