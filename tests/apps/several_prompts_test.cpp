// Several prompts in one run: each video is the one that its prompt makes alone, and what can be known to be wrong is
// said before the first.
#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/program.h"
#include "tests/apps/support/prompt_runs.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <limits>

namespace kine::apps {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFive = "a red kite\na blue boat\na green hill\na kite\na white cat\n";
const std::vector<std::string> kPrompts = {"a red kite", "a blue boat", "a green hill", "a kite", "a white cat"};

class SeveralPrompts : public testing::Test {
  protected:
    std::string output() const { return folder / "{n}.y4m"; }
    std::string file(const std::string& lines) const { return inputs.write("prompts.txt", lines); }

    Ended make(std::vector<std::string> more) const {
        more.insert(more.end(), {"-o", output()});
        return run(several(more));
    }

    /// Refused before anything is made, with `status`.
    void expect_refused(const std::vector<std::string>& arguments, const std::vector<std::string>& says,
                        int status = 2) const {
        const size_t before = folder.count_files();
        const Ended ended = run(several(arguments));
        EXPECT_EQ(ended.status, status) << ended.error;
        for (const std::string& words : says) EXPECT_TRUE(ended.says(words)) << words << "\n" << ended.error;
        EXPECT_FALSE(ended.says("seed 7")) << "a run was begun\n" << ended.error;
        EXPECT_EQ(folder.count_files(), before);
    }

    TemporaryFolder folder, inputs;
};

TEST_F(SeveralPrompts, MakeTheVideosThatEachMakesAlone) {
    const Ended ended = make({"-p", kPrompts[0], "-p", kPrompts[1], "-p", kPrompts[2]});
    ASSERT_EQ(ended.status, 0) << ended.error;
    expect_videos_of(folder.path(), {kPrompts.begin(), kPrompts.begin() + 3});
    EXPECT_TRUE(ended.says("2/3: wrote " + (folder / "2.y4m").string())) << ended.error;
    EXPECT_TRUE(ended.says("3/3: 48 x 48, 3 frames, 2 steps, seed 9") && ended.says("2/3: decode")) << ended.error;
    EXPECT_TRUE(ended.says("3 of 3 prompts made")) << ended.error;
}

/// Ranks in all, and groups of them.
class PromptGroups : public SeveralPrompts, public testing::WithParamInterface<std::pair<int, int>> {};

TEST_P(PromptGroups, OfThreadsMakeTheVideosThatEachPromptMakesAlone) {
    const auto& [ranks, groups] = GetParam();
    const Ended ended = make({"--prompts", file(kFive), "--ranks", std::to_string(ranks), "--request-parallel",
                              std::to_string(groups), "--parallel", "dsp"});
    ASSERT_EQ(ended.status, 0) << ended.error;
    expect_videos_of(folder.path(), kPrompts);
    EXPECT_TRUE(ended.says("5 of 5 prompts made")) << ended.error;
}

INSTANTIATE_TEST_SUITE_P(Counts, PromptGroups,
                         testing::Values(std::pair(2, 1), std::pair(2, 2), std::pair(4, 2), std::pair(8, 8)));

TEST_F(SeveralPrompts, ComeFromTheLinesOfAFile) {
    std::string lines = "\xef\xbb\xbf# a comment\r\n\r\n  \t\r\n";
    for (int i = 0; i < 10; ++i) lines += "a kite\r\n";
    const Ended ended = make({"--prompts", file(lines + "a blue boat"), "--steps", "1"});
    ASSERT_EQ(ended.status, 0) << ended.error;
    EXPECT_EQ(folder.count_files(), 11u);
    EXPECT_EQ(content_of(folder / "11.y4m"), video_alone("a blue boat", 17, {"--steps", "1"}));
    EXPECT_EQ(content_of(folder / "09.y4m"), video_alone("a kite", 15, {"--steps", "1"}));
}

TEST_F(SeveralPrompts, ComeFromStandardInputAndGoToNumberedDefaultNames) {
    const Ended ended = launch({.arguments = several({"--prompts", "-", "--progress", "json"}),
                                .input = "a kite\na boat\n",
                                .shell = "cd " + folder.path().string()});
    ASSERT_EQ(ended.status, 0) << ended.error;
    EXPECT_TRUE(fs::exists(folder / "kinescope-1.mp4") && fs::exists(folder / "kinescope-2.mp4"));
    EXPECT_TRUE(ended.says("\"prompt\":2,\"prompts\":2")) << ended.error;
}

TEST_F(SeveralPrompts, NumberFramesAndLatentsToo) {
    const Ended ended = run(several(
        {"-p", "a kite", "-p", "a boat", "-o", folder / "{n}-%04d.png", "--save-latents", folder / "{n}.safetensors"}));
    ASSERT_EQ(ended.status, 0) << ended.error;
    for (const char* name : {"1-0000.png", "2-0002.png", "1.safetensors", "2.safetensors"}) {
        EXPECT_TRUE(fs::exists(folder / name)) << name;
    }
}

TEST_F(SeveralPrompts, OfWhichThereIsOneIsNumberOne) {
    const Ended ended = make({"-p", "a kite"});
    ASSERT_EQ(ended.status, 0) << ended.error;
    EXPECT_TRUE(fs::exists(folder / "1.y4m"));
    EXPECT_FALSE(ended.says("1/1: ")) << ended.error;
}

TEST_F(SeveralPrompts, NeedNamesOfTheirOwn) {
    const std::vector<std::string> two = {"-p", "a kite", "-p", "a boat"};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), two.begin(), two.end());
        return more;
    };
    expect_refused(with({"-o", folder / "v.y4m"}), {"v.y4m': 2 prompts are given, expected {n}", "{n}-v.y4m"});
    expect_refused(with({"-o", folder / "%04d.png"}), {"expected {n}", "{n}-%04d.png"});
    expect_refused(with({"-o", "-"}), {"output '-': standard output takes one video, 2 prompts are given"});
    expect_refused(with({"-o", output(), "--save-latents", folder / "l.st"}), {"save_latents", "expected {n}"});
    expect_refused(with({"-o", output(), "-o", folder / "./{n}.y4m"}), {"is given twice"});
    std::string many;
    for (int i = 0; i < 21; ++i) many += "a kite\n";
    expect_refused({"--prompts", file(many), "-o", folder / "1{n}.y4m", "-o", folder / "{n}1.y4m"},
                   {"prompts 1 and 10 would both be written to it"});
}

TEST_F(SeveralPrompts, AreGivenInOneWay) {
    expect_refused({"--prompts", file(kFive), "-p", "a kite", "-o", output()}, {"prompt and prompts are both given"});
    expect_refused({"--prompts", file("# nothing\n\n"), "-o", output()}, {"expected a prompt a line, got none"});
    expect_refused({"--prompts", inputs / "none.txt", "-o", output()}, {"none.txt"}, 3);
    expect_refused({"-p", "-", "-p", "-", "-o", output()}, {"standard input can be read once"});
    expect_refused({"-p", "a kite", "-p", "\xff", "-o", output()}, {"2/2: prompt"});
    expect_refused({"-p", "a kite", "-p", "b", "--seed", "18446744073709551615", "-o", output()},
                   {"seed 18446744073709551615: 2 prompts need"});
    EXPECT_EQ(run({"plan", "-m", tiny_model(), "-p", "a kite", "-p", "a boat"}).status, 2);
}

TEST_F(SeveralPrompts, ArePartedByADivisorOfTheRanks) {
    const std::vector<std::string> two = {"-p", "a kite", "-p", "a boat", "-o", output()};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), two.begin(), two.end());
        return more;
    };
    expect_refused(with({"--ranks", "4", "--request-parallel", "3"}),
                   {"request_parallel 3: expected a divisor of the 4 ranks"});
    expect_refused(with({"--request-parallel", "2"}), {"request_parallel 2: expected a divisor of the 1 ranks"});
    expect_refused(with({"--ranks", "2", "--request-parallel", "0"}), {"request_parallel: expected 1 to"});
    expect_refused(with({"--ranks", "2", "--request-parallel", "2", "--residency", "stage"}), {"2 runs at once"});
    expect_refused(with({"--ranks", "2", "--request-parallel", "2", "--trace", folder / "t.json"}), {"trace"});
    expect_refused(with({"--ranks", "2", "--request-parallel", "2", "--size", "512x512", "--max-ram", "3M"}),
                   {"with 2 at once", "the budget is 3145728"}, 5);
}

TEST_F(SeveralPrompts, FindAnExistingVideoBeforeAnythingIsMade) {
    folder.write("2.y4m", "the old video");
    expect_refused({"-p", "a kite", "-p", "a boat", "-o", output()}, {"2/2: ", "2.y4m", "exists"}, 7);
    EXPECT_EQ(content_of(folder / "2.y4m"), "the old video");
    EXPECT_EQ(make({"-p", "a kite", "-p", "a boat", "-y"}).status, 0);
    expect_videos_of(folder.path(), {"a kite", "a boat"});
}

/// A model that makes nothing finite of a 'z'.
class ModelWithoutZ : public ModelCopy {
  public:
    ModelWithoutZ() {
        edit_checkpoint("text_encoder/model.safetensors", [](Checkpoint& checkpoint) {
            constexpr size_t kRow = 41, kChannels = 24;
            auto* row = checkpoint.bytes_of("shared.weight") + kRow * kChannels * sizeof(float);
            const float nan = std::numeric_limits<float>::quiet_NaN();
            std::memcpy(row, &nan, sizeof(nan));
        });
    }
};

TEST_F(SeveralPrompts, AreMadeAlthoughOthersFail) {
    const ModelWithoutZ model;
    for (const char* groups : {"1", "2"}) {
        const TemporaryFolder videos;
        fs::create_symlink("/dev/full", videos / "3.y4m");
        const Ended ended = run({"generate",
                                 "-m",
                                 model.path(),
                                 "--seed",
                                 "7",
                                 "--steps",
                                 "2",
                                 "-p",
                                 "a kite",
                                 "-p",
                                 "a zoo",
                                 "-p",
                                 "a boat",
                                 "-p",
                                 "a hill",
                                 "--ranks",
                                 "2",
                                 "--parallel",
                                 "dsp",
                                 "--request-parallel",
                                 groups,
                                 "-o",
                                 videos / "{n}.y4m"});
        EXPECT_EQ(ended.status, 8) << "that of the first to fail\n" << ended.error;
        EXPECT_TRUE(ended.says("error: 2/4: ") && ended.says("not finite")) << ended.error;
        EXPECT_TRUE(ended.says("error: 3/4: ") && ended.says("No space left on device")) << ended.error;
        EXPECT_TRUE(ended.says("2 of 4 prompts made") && ended.says("2 of 4 prompts failed: 2, 3")) << ended.error;
        EXPECT_TRUE(content_of(videos / "1.y4m") == video_alone("a kite", 7));
        EXPECT_TRUE(content_of(videos / "4.y4m") == video_alone("a hill", 10));
        EXPECT_FALSE(fs::exists(videos / "2.y4m"));
    }
}

TEST_F(SeveralPrompts, EndWithTheOneThatIsInterrupted) {
    const LongModel model;
    for (const char* groups : {"1", "2"}) {
        const TemporaryFolder videos;
        Program program({.arguments = {"generate",
                                       "-m",
                                       model.path(),
                                       "--prompts",
                                       file(kFive),
                                       "--steps",
                                       "1",
                                       "-f",
                                       "900",
                                       "--size",
                                       "16x16",
                                       "--decode-chunk",
                                       "1",
                                       "--ranks",
                                       "2",
                                       "--decode-ranks",
                                       "1",
                                       "--request-parallel",
                                       groups,
                                       "--progress",
                                       "json",
                                       "-o",
                                       videos / "{n}.y4m"}});
        ASSERT_TRUE(program.wait_for("{\"done\":12,"));
        program.send(SIGINT);
        const Ended ended = program.finish();
        EXPECT_EQ(ended.status, 130) << ended.error;
        EXPECT_TRUE(ended.says("1/5: interrupted") && ended.says("0 of 5 prompts made")) << ended.error;
        EXPECT_FALSE(ended.says("3/5: ")) << ended.error;
        EXPECT_FALSE(fs::exists(videos / "3.y4m"));
    }
}

TEST_F(SeveralPrompts, WriteOneTimelineOfAllRuns) {
    const Ended ended =
        make({"-p", "a kite", "-p", "a boat", "--ranks", "2", "--parallel", "dsp", "--trace", inputs / "t.json"});
    ASSERT_EQ(ended.status, 0) << ended.error;
    EXPECT_EQ(steps_by_rank(inputs / "t.json"), (std::map<int, int>{{0, 4}, {1, 4}}));
}

TEST(PlannedGroups, MakeSoManyVideosAtATimeAsOneDoesAlone) {
    const auto plan = [](std::vector<std::string> more) {
        // One thread, of which groups have one each: what decoding holds depends on their number.
        more.insert(more.begin(),
                    {"plan", "--json", "-t", "1", "--preset", "open-sora-1.2", "--cluster", "h200-nvlink"});
        return nlohmann::json::parse(run(more).output);
    };
    const auto group = plan({"--ranks", "4"}), groups = plan({"--ranks", "8", "--request-parallel", "2"});
    EXPECT_EQ(groups["strategies"], group["strategies"]);
    EXPECT_EQ(groups["ranks"], 4);
    EXPECT_DOUBLE_EQ(groups["videos_per_hour"].get<double>(), 2 * group["videos_per_hour"].get<double>());
    const Ended told = run({"plan", "--preset", "open-sora-1.2", "--ranks", "8", "--request-parallel", "2"});
    EXPECT_NE(told.output.find("8 ranks of cpu, 2 groups of 4, each makes its own videos: "), std::string::npos);
    EXPECT_EQ(run({"plan", "--preset", "open-sora-1.2", "--ranks", "8", "--request-parallel", "3"}).status, 2);
}

}  // namespace
}  // namespace kine::apps
