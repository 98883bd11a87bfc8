// Standard streams: data on one, talk on the other, and programs at the far end that leave or were never there.
#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/program.h"
#include "tests/apps/support/videos.h"

#include <gtest/gtest.h>

#include <csignal>

namespace kine::apps {
namespace {

constexpr int kOutput = 7;

std::string video_to_file(const TemporaryFolder& folder, const std::string& name) {
    const Ended ended = run(generate({"-o", folder / name}));
    EXPECT_EQ(ended.status, 0) << ended.error;
    return content_of(folder / name);
}

TEST(Streams, FramesGoToStandardOutputAndTalkToStandardError) {
    const TemporaryFolder folder;
    const std::string expected = video_to_file(folder, "frames.y4m");
    const Ended ended = run(generate({"-o", "-"}));
    EXPECT_EQ(ended.status, 0) << ended.error;
    EXPECT_TRUE(ended.output == expected) << ended.output.size() << " bytes, the file has " << expected.size();
    EXPECT_TRUE(ended.output.starts_with("YUV4MPEG2 W48 H48 F8:1"));
    EXPECT_TRUE(ended.says("denoise")) << ended.error;
}

TEST(Streams, QuietSaysNothing) {
    const TemporaryFolder folder;
    const Ended ended = run(generate({"-q", "-o", folder / "v.mp4"}));
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.error, "");
    EXPECT_EQ(ended.output, "");
}

TEST(Streams, SeveralOutputsGetTheSameFrames) {
    const TemporaryFolder folder;
    const Ended ended = run(generate({"-o", "-", "-o", folder / "a.y4m", "-o", folder / "b.mp4", "-o",
                                      folder / "c/%04d.png", "-o", folder / "d.webm", "-o", folder / "e.gif"}));
    EXPECT_EQ(ended.status, 0) << ended.error;
    EXPECT_TRUE(ended.output == content_of(folder / "a.y4m"));
    for (const char* name : {"a.y4m", "b.mp4", "c", "d.webm", "e.gif"}) {
        EXPECT_EQ(frames_of(folder / name).size(), 3u) << name;
    }
}

TEST(Streams, WhatNobodyCanBeToldIsLostAndTheWorkGoesOn) {
    const TemporaryFolder folder;
    for (const char* mode : {"json", "plain", "bar"}) {
        const Ended ended = launch({.arguments = generate({"-y", "-v", "--progress", mode, "-o", folder / "v.y4m"}),
                                    .shell = "exec 2>/dev/full"});
        EXPECT_EQ(ended.status, 0) << mode;
        EXPECT_EQ(frames_of(folder / "v.y4m").size(), 3u) << mode;
    }
    EXPECT_EQ(launch({.arguments = {"frobnicate"}, .shell = "exec 2>/dev/full"}).status, 2);
    EXPECT_EQ(launch({.shell = "exec 2>/dev/full"}).status, 2);
    const Ended unwritten = launch({.arguments = {"list"}, .shell = "exec 2>/dev/full", .output_file = "/dev/full"});
    EXPECT_EQ(unwritten.status, kOutput);
}

TEST(Streams, WorksWithAnyOfThemClosed) {
    const TemporaryFolder folder;
    const std::string expected = video_to_file(folder, "expected.mkv");
    for (const std::vector<int>& closed : std::vector<std::vector<int>>{{0}, {1}, {2}, {0, 1, 2}}) {
        SCOPED_TRACE(closed.size() == 3 ? 9 : closed.front());
        const std::filesystem::path file = folder / "v.mkv";
        const Ended ended =
            launch({.arguments = generate({"-y", "--progress", "json", "-v", "-o", file}), .closed = closed});
        EXPECT_EQ(ended.status, 0) << ended.error;
        EXPECT_TRUE(frames_of(file) == frames_of(folder / "expected.mkv")) << "talk went into the video";
    }
}

TEST(Streams, DataForAClosedStandardOutputIsAnError) {
    EXPECT_EQ(launch({.arguments = {"list"}, .closed = {1}}).status, kOutput);
    EXPECT_EQ(launch({.arguments = generate({"-o", "-"}), .closed = {1}}).status, kOutput);
    EXPECT_EQ(launch({.arguments = {"generate", "-p", "-"}, .closed = {0}}).status, 3);
}

TEST(Streams, AReaderThatLeavesEndsTheRun) {
    const LongModel model;
    Program program(
        {.arguments = generate_with(model.path(), {"-f", "200", "--size", "32x32", "--decode-chunk", "1", "-o", "-"})});
    ASSERT_TRUE(program.wait_for("denoise"));
    program.stop_reading_output();
    const Ended ended = program.finish();
    EXPECT_EQ(ended.status, kOutput) << ended.error;
    EXPECT_TRUE(ended.says("Broken pipe")) << ended.error;
}

TEST(Streams, ThePromptMayComeFromStandardInputOrAFile) {
    const TemporaryFolder folder;
    const std::string expected = video_to_file(folder, "expected.y4m");
    const std::string file = folder.write("prompt.txt",
                                          "\xef\xbb\xbf"
                                          "a kite\r\n");
    const std::vector<std::string> start = {"generate", "-m", tiny_model(), "--seed", "7", "--steps", "2", "-o", "-"};
    const auto with = [&](const std::vector<std::string>& more) {
        std::vector<std::string> arguments = start;
        arguments.insert(arguments.end(), more.begin(), more.end());
        return arguments;
    };
    EXPECT_TRUE(launch({.arguments = with({"-p", "-"}), .input = "a kite\n"}).output == expected);
    EXPECT_TRUE(run(with({"--prompt-file", file})).output == expected);
    const Ended both = run(with({"--prompt-file", file, "-p", "a kite"}));
    EXPECT_EQ(both.status, 2) << both.error;
}

TEST(Streams, AnEmptyPromptWorksAndIsMentioned) {
    const TemporaryFolder folder;
    const Ended ended = run({"generate", "-m", tiny_model(), "-p", "", "--steps", "2", "-o", folder / "v.mp4"});
    EXPECT_EQ(ended.status, 0) << ended.error;
    EXPECT_TRUE(ended.says("the prompt is empty")) << ended.error;
    EXPECT_EQ(frames_of(folder / "v.mp4").size(), 3u);
}

}  // namespace
}  // namespace kine::apps
