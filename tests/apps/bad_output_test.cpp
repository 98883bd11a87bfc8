// Outputs that cannot be written: exit code 7, the system's reason, and what was there before stays.
#include "tests/apps/support/refusal.h"
#include "tests/apps/support/videos.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace kine::apps {
namespace {

constexpr int kUsage = 2;
constexpr int kOutput = 7;

Ended run_to(const std::string& target, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = generate({"-o", target});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
}

TEST(BadOutput, SaysWhyAFileCannotBeMade) {
    const TemporaryFolder folder;
    const std::string file = folder.write("file", "");
    const std::vector<std::vector<std::string>> rows = {
        {folder / "nowhere/video.mp4", "nowhere/video.mp4", "No such file or directory"},
        {file + "/video.mp4", "file/video.mp4", "Not a directory"},
        {"/proc/video.mp4", "/proc/video.mp4", ""},
        {folder.path(), "container", ""},
        {file + "/%04d.png", "file", "File exists"},
        {std::string(300, 'a') + ".mp4", "aaa", "File name too long"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row[0]);
        const Ended ended = run_to(row[0]);
        EXPECT_EQ(ended.status, row[1] == "container" ? kUsage : kOutput) << ended.error;
        EXPECT_TRUE(ended.says(row[1]) && ended.says(row[2])) << ended.error;
        EXPECT_FALSE(ended.says("step")) << "refused only after work was done\n" << ended.error;
    }
    EXPECT_EQ(folder.count_files(), 1u);
}

TEST(BadOutput, RefusesNamesThatSayNoContainer) {
    const TemporaryFolder folder;
    EXPECT_EQ(run_to(folder / "video").status, kUsage);
    EXPECT_EQ(run_to(folder / "video.avi").status, kUsage);
    EXPECT_EQ(run_to("").status, kUsage);
    const Ended twice = run_to(folder / "a.mp4", {"-o", (folder / "a.mp4").string()});
    EXPECT_EQ(twice.status, kUsage) << twice.error;
    EXPECT_TRUE(twice.says("twice")) << twice.error;
    EXPECT_EQ(folder.count_files(), 0u);
}

TEST(BadOutput, KeepsAnExistingFileUnlessToldOtherwise) {
    const TemporaryFolder folder;
    const std::filesystem::path video = folder.write("video.mp4", "the old video");
    const Ended refused = run_to(video);
    EXPECT_EQ(refused.status, kOutput) << refused.error;
    EXPECT_TRUE(refused.says("exists")) << refused.error;
    EXPECT_TRUE(content_of(video) == "the old video");
    EXPECT_EQ(folder.count_files(), 1u);
    const Ended replaced = run_to(video, {"-y"});
    EXPECT_EQ(replaced.status, 0) << replaced.error;
    EXPECT_EQ(frames_of(video).size(), 3u);
    EXPECT_EQ(folder.count_files(), 1u);
}

TEST(BadOutput, EndsWhereADeviceIsFull) {
    const Ended device = run_to("/dev/full", {"--container", "y4m"});
    EXPECT_EQ(device.status, kOutput) << device.error;
    EXPECT_TRUE(device.says("/dev/full") && device.says("No space left on device")) << device.error;
    const Ended frames = launch({.arguments = generate({"-o", "-"}), .output_file = "/dev/full"});
    EXPECT_EQ(frames.status, kOutput) << frames.error;
    EXPECT_TRUE(frames.says("standard output") && frames.says("No space left on device")) << frames.error;
    const std::string golden = golden_case().string();
    for (const std::vector<std::string>& words : {std::vector<std::string>{"list"}, {"verify", golden}}) {
        const Ended report = launch({.arguments = words, .output_file = "/dev/full"});
        EXPECT_EQ(report.status, kOutput) << report.error;
    }
}

// A limit on the size of files stands in for a disk that fills up half-way.
TEST(BadOutput, KeepsTheOldFileAndThePartWhenTheDiskFillsUp) {
    const LongModel model;
    const TemporaryFolder folder;
    const std::filesystem::path video = folder.write("video.mkv", "the old video");
    const Ended ended =
        launch({.arguments = generate_with(model.path(), {"-f", "100", "--size", "16x16", "-y", "-o", video}),
                .shell = "ulimit -f 12"});  // blocks of 512 bytes
    EXPECT_EQ(ended.status, kOutput) << ended.error;
    EXPECT_TRUE(ended.says("video.mkv") && ended.says("File too large")) << ended.error;
    EXPECT_TRUE(ended.says("the finished frames are kept in")) << ended.error;
    EXPECT_TRUE(content_of(video) == "the old video");
    EXPECT_TRUE(std::filesystem::exists(folder / ".video.mkv.part"));
}

TEST(BadOutput, AFullDiskStopsTheRunButNotTheOtherOutputsPart) {
    const LongModel model;
    const TemporaryFolder folder;
    const Ended ended = launch({.arguments = generate_with(model.path(), {"-f", "60", "--size", "32x32", "-o",
                                                                          folder / "a.y4m", "-o", folder / "b.mp4"}),
                                .shell = "ulimit -f 128"});  // 64 KiB: the raw frames do not fit, the encoded ones do
    EXPECT_EQ(ended.status, kOutput) << ended.error;
    EXPECT_TRUE(ended.says("a.y4m")) << ended.error;
    EXPECT_FALSE(std::filesystem::exists(folder / "a.y4m"));
    EXPECT_FALSE(std::filesystem::exists(folder / "b.mp4"));
    EXPECT_GT(frames_of(folder / ".b.mp4.part").size(), 0u);
}

TEST(BadOutput, RefusesPlacesForLatentsBeforeItRuns) {
    const TemporaryFolder folder;
    const std::string file = folder.write("old.safetensors", "old");
    const std::string pipe = folder / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const auto refused = [&](const std::string& target, const std::vector<std::string>& more, const char* words) {
        std::vector<std::string> arguments = generate({"-o", folder / "v.mp4", "--save-latents", target});
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Ended ended = run(arguments);
        EXPECT_EQ(ended.status, kOutput) << ended.error;
        EXPECT_TRUE(ended.says("save_latents") && ended.says(words)) << ended.error;
    };
    refused(file, {}, "exists");
    refused(folder / "nowhere/l.safetensors", {}, "nowhere");
    refused(folder.path(), {"-y"}, "folder");
    refused(pipe, {"-y"}, "pipe");
    EXPECT_TRUE(content_of(file) == "old");
    EXPECT_EQ(folder.count_files(), 2u);
}

TEST(BadOutput, RefusesAPlaceForTheTraceBeforeItRuns) {
    const TemporaryFolder folder;
    const Ended ended = run_to(folder / "v.mp4", {"--trace", folder / "nowhere/trace.json"});
    EXPECT_EQ(ended.status, kOutput) << ended.error;
    EXPECT_TRUE(ended.says("nowhere/trace.json")) << ended.error;
    EXPECT_EQ(folder.count_files(), 0u);
}

}  // namespace
}  // namespace kine::apps
