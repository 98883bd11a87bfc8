// A run that is ended from outside: what stands under the final name is always whole.
#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/program.h"
#include "tests/apps/support/videos.h"

#include <gtest/gtest.h>

#include <csignal>

namespace kine::apps {
namespace {

constexpr int kFrames = 240;

std::vector<std::string> long_run(const LongModel& model, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = generate_with(
        model.path(),
        {"-f", std::to_string(kFrames), "--size", "16x16", "--decode-chunk", "1", "--progress", "json", "-y"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

/// Also writes to standard output, which nobody reads yet: the run stands still once a pipe (64 KiB) and the queue are
/// full, so a signal never comes too late.
std::vector<std::string> held_run(const LongModel& model, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = long_run(model, more);
    arguments.insert(arguments.end(), {"-o", "-"});
    return arguments;
}

/// What `--progress json` says once `count` frames are decoded: only then is there a stage with so many parts.
std::string decoded(int count) { return "{\"done\":" + std::to_string(count) + ","; }

class Interruption : public testing::TestWithParam<int> {};

TEST_P(Interruption, FinishesTheFilesWithTheFramesThatExist) {
    const LongModel model;
    const TemporaryFolder folder;
    folder.write("video.mp4", "the old video");
    Program program({.arguments = held_run(model, {"-o", folder / "video.mp4", "-o", folder / "raw.y4m"})});
    ASSERT_TRUE(program.wait_for(decoded(12)));
    program.send(GetParam());
    const Ended ended = program.finish();
    EXPECT_EQ(ended.status, 128 + GetParam()) << ended.error;
    const size_t frames = frames_of(folder / "video.mp4").size();
    EXPECT_GE(frames, 1u);
    EXPECT_LT(frames, size_t{kFrames});
    EXPECT_EQ(frames_of(folder / "raw.y4m").size(), frames);
    EXPECT_TRUE(ended.says(std::to_string(frames) + " frames") && ended.says("interrupted")) << ended.error;
    EXPECT_EQ(folder.count_files(), 2u) << "a temporary file is left";
}

INSTANTIATE_TEST_SUITE_P(Signals, Interruption, testing::Values(SIGINT, SIGTERM, SIGHUP));

// nohup lets its child inherit that SIGHUP is ignored.
TEST(Interrupted, NotByASignalThatWasToBeIgnored) {
    const TemporaryFolder folder;
    Program program({.arguments = {"generate", "-m", tiny_model(), "-p", "a kite", "--steps", "500", "--progress",
                                   "json", "-o", folder / "video.y4m"},
                     .shell = "trap '' HUP INT"});
    ASSERT_TRUE(program.wait_for("{\"done\":2,"));
    program.send(SIGHUP);
    program.send(SIGINT);
    const Ended ended = program.finish();
    EXPECT_EQ(ended.status, 0) << ended.error;
    EXPECT_EQ(frames_of(folder / "video.y4m").size(), 3u);
}

TEST(Interrupted, BeforeTheFirstFrameLeavesTheOldFile) {
    const TemporaryFolder folder;
    folder.write("video.mp4", "the old video");
    Program program({.arguments = {"generate", "-m", tiny_model(), "-p", "a kite", "--steps", "1000", "--progress",
                                   "json", "-y", "-o", folder / "video.mp4"}});
    ASSERT_TRUE(program.wait_for("{\"done\":2,"));
    program.send(SIGINT);
    const Ended ended = program.finish();
    EXPECT_EQ(ended.status, 130) << ended.error;
    EXPECT_TRUE(ended.says("before the first frame")) << ended.error;
    EXPECT_TRUE(content_of(folder / "video.mp4") == "the old video");
    EXPECT_EQ(folder.count_files(), 1u);
}

TEST(Interrupted, FramesUpToThereAreThoseOfTheWholeRun) {
    const LongModel model;
    const TemporaryFolder folder;
    const Ended whole = run(long_run(model, {"-o", folder / "whole.y4m"}));
    ASSERT_EQ(whole.status, 0) << whole.error;
    Program program({.arguments = held_run(model, {"-o", folder / "cut.y4m"})});
    ASSERT_TRUE(program.wait_for(decoded(9)));
    program.send(SIGINT);
    EXPECT_EQ(program.finish().status, 130);
    const std::string cut = content_of(folder / "cut.y4m");
    EXPECT_TRUE(content_of(folder / "whole.y4m").starts_with(cut));
}

/// The final name holds the old file or a whole new one; the temporary file plays as far as it goes.
void expect_nothing_lost(const TemporaryFolder& folder, size_t least_kept) {
    const bool is_old = content_of(folder / "video.mp4") == "the old video";
    if (!is_old) {
        EXPECT_EQ(frames_of(folder / "video.mp4").size(), size_t{kFrames});
        return;
    }
    if (least_kept == 0) return;
    EXPECT_GE(frames_of(folder / ".video.mp4.part").size(), least_kept);
}

TEST(Killed, LeavesTheOldFileOrAWholeNewOne) {
    struct Moment {
        std::string words;
        size_t least_kept;
    };
    // x264 looks ahead over up to 60 frames, and a fragment is a second: 8 frames.
    const std::vector<Moment> moments = {
        {"\"stage\":\"encode\"", 0}, {decoded(1), 0},       {decoded(20), 0},
        {decoded(200), 80},          {decoded(kFrames), 0}, {decoded(kFrames), 0},
    };
    const LongModel model;
    for (const Moment& moment : moments) {
        SCOPED_TRACE(moment.words);
        const TemporaryFolder folder;
        folder.write("video.mp4", "the old video");
        Program program({.arguments = long_run(model, {"-o", folder / "video.mp4"})});
        ASSERT_TRUE(program.wait_for(moment.words));
        program.send(SIGKILL);
        const int status = program.finish().status;
        EXPECT_TRUE(status == 128 + SIGKILL || status == 0) << status;
        expect_nothing_lost(folder, moment.least_kept);
        const Ended again = run(generate({"-y", "-o", folder / "video.mp4"}));
        EXPECT_EQ(again.status, 0) << "what was left is in the way\n" << again.error;
        EXPECT_EQ(folder.count_files(), 1u);
    }
}

}  // namespace
}  // namespace kine::apps
