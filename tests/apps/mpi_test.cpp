// One video by several processes: the frames of one rank, and no process left behind, however one of them ends.
#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/mpi_run.h"
#include "tests/apps/support/videos.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <map>

namespace kine::apps {
namespace {

using Clock = std::chrono::steady_clock;

class MpiRanks : public testing::Test {
  protected:
    void SetUp() override {
        if (!has_mpirun()) GTEST_SKIP() << "no MPI here";
    }

    /// Starts 2 ranks that would go on for minutes, and waits until they are in the middle of it.
    std::unique_ptr<Program> endless_run() {
        auto program = std::make_unique<Program>(
            mpi_launch(2, {"generate", "-m", tiny_model(), "-p", "a kite", "--steps", "1000", "--parallel", "dsp",
                           "--rank-timeout", "2", "--progress", "json", "-y", "-o", folder / "video.mp4"}));
        EXPECT_TRUE(program->wait_for("{\"done\":5,"));
        return program;
    }

    /// 2 ranks that would decode for a long while, and waits until they are in the middle of it.
    std::unique_ptr<Program> long_decode(const LongModel& model) {
        auto program = std::make_unique<Program>(
            mpi_launch(2, generate_with(model.path(), {"-f", "900", "--decode-chunk", "1", "--rank-timeout", "2",
                                                       "--progress", "json", "-y", "-o", folder / "video.y4m"})));
        EXPECT_TRUE(program->wait_for("{\"done\":12,"));
        return program;
    }

    /// Under the temporary name. A rank 0 that stood still is woken by the launcher, told to end and killed a second
    /// later: if that is enough to finish the file, it has its own name.
    void expect_kept_frames(const Ended& ended, bool may_be_finished = false) {
        const bool is_finished = std::filesystem::exists(folder / "video.y4m");
        EXPECT_TRUE(may_be_finished || !is_finished);
        const size_t frames = frames_of(folder / (is_finished ? "video.y4m" : ".video.y4m.part")).size();
        EXPECT_TRUE(frames >= 1 && frames < 900) << frames << " frames\n" << ended.error;
        std::filesystem::remove(folder / "video.y4m");
    }

    /// 2 ranks, the second with another value of an option.
    Launch two_with(const std::string& option, const std::string& value, const std::string& other) {
        return two_runs(generate({option, value, "-o", folder / "video.y4m"}),
                        generate({option, other, "-o", folder / "video.y4m"}));
    }

    Launch two_of_models(const std::string& first, const std::string& second) {
        return two_runs(generate_with(first, {"-o", folder / "video.y4m"}),
                        generate_with(second, {"-o", folder / "video.y4m"}));
    }

    static Launch two_runs(std::vector<std::string> words, const std::vector<std::string>& second) {
        words.insert(words.end(), {":", "--allow-run-as-root", "-n", "1", program_path().string()});
        words.insert(words.end(), second.begin(), second.end());
        return mpi_launch(1, words);
    }

    /// Every process of the run holds a pipe open, so the program ends with the last of them.
    Ended finish_soon(Program& program) {
        const auto start = Clock::now();
        Ended ended = program.finish();
        EXPECT_LT(Clock::now() - start, std::chrono::seconds(10)) << ended.error;
        return ended;
    }

    TemporaryFolder folder;
};

class MpiRanksOf : public MpiRanks, public testing::WithParamInterface<int> {};

TEST_F(MpiRanks, SayOnceWhatAllWouldSayAlike) {
    const Ended plan = launch(mpi_launch(2, {"plan", "-m", tiny_model(), "-p", "a kite", "--json"}));
    EXPECT_EQ(plan.status, 0) << plan.error;
    EXPECT_TRUE(nlohmann::json::accept(plan.output)) << plan.output;
    const Ended wrong = launch(mpi_launch(2, {"generate", "-m", tiny_model(), "-p", "a kite", "--step", "2"}));
    const size_t first = wrong.error.find("unknown option '--step'");
    EXPECT_NE(first, std::string::npos) << wrong.error;
    EXPECT_EQ(wrong.error.find("unknown option", first + 1), std::string::npos) << wrong.error;
}

TEST_F(MpiRanks, HearAnErrorThatOnlyTheSecondHas) {
    const Ended ended = launch(two_runs(generate({"-o", folder / "video.y4m"}), generate({"--step", "2"})));
    EXPECT_NE(ended.status, 0);
    EXPECT_NE(ended.error.find("unknown option '--step'"), std::string::npos) << ended.error;
}

TEST_P(MpiRanksOf, MakeTheFramesOfOneRankWhicheverSeedIsDrawn) {
    const Ended ended = launch(mpi_launch(
        GetParam(), {"generate", "-m", tiny_model(), "-p", "a kite", "--steps", "3", "--cache", "pab", "--parallel",
                     "dsp_frames", "--save-latents", folder / "last.safetensors", "-o", folder / "ranks.y4m"}));
    ASSERT_EQ(ended.status, 0) << ended.error;
    const size_t said = ended.error.find("wrote ");
    EXPECT_EQ(ended.error.find("wrote ", said + 1), std::string::npos) << "one rank talks\n" << ended.error;
    const size_t seed = ended.error.find("seed ");
    ASSERT_NE(seed, std::string::npos) << ended.error;
    const std::string drawn = std::to_string(std::stoull(ended.error.substr(seed + 5)));
    ASSERT_EQ(run({"generate", "-m", tiny_model(), "-p", "a kite", "--steps", "3", "--cache", "pab", "--seed", drawn,
                   "-o", folder / "alone.y4m"})
                  .status,
              0);
    EXPECT_TRUE(content_of(folder / "ranks.y4m") == content_of(folder / "alone.y4m"));
    EXPECT_EQ(folder.count_files(), 3u);
}

INSTANTIATE_TEST_SUITE_P(Counts, MpiRanksOf, testing::Values(2, 4));

TEST_F(MpiRanks, ThatWereStartedWithDifferentOptionsSayWhichBeforeTheFirstStep) {
    Program program(two_with("--guidance-scale", "3", "4"));
    const Ended ended = finish_soon(program);
    EXPECT_EQ(ended.status, 2) << ended.error;
    EXPECT_TRUE(ended.says("rank 1 was started with another guidance_scale than rank 0")) << ended.error;
    EXPECT_FALSE(std::filesystem::exists(folder / "video.y4m"));
}

TEST_F(MpiRanks, AreAllOutSoonWhenOneIsKilled) {
    for (const int rank : {0, 1}) {
        const auto program = endless_run();
        ::kill(process_of_rank(program->process(), rank), SIGKILL);
        const Ended ended = finish_soon(*program);
        EXPECT_EQ(ended.status, 128 + SIGKILL) << "of the cause\n" << ended.error;
        EXPECT_TRUE(ended.says(fmt::format("rank {} is gone", rank))) << ended.error;
        EXPECT_TRUE(ended.says(fmt::format("of rank {} in step ", 1 - rank))) << ended.error;
        EXPECT_FALSE(std::filesystem::exists(folder / "video.mp4"));
    }
}

TEST_F(MpiRanks, AreAllOutSoonWhenOneHangs) {
    const auto program = endless_run();
    ::kill(process_of_rank(program->process(), 1), SIGSTOP);
    const Ended ended = finish_soon(*program);
    EXPECT_EQ(ended.status, 9) << ended.error;
    EXPECT_TRUE(ended.says("rank 1 did not answer") && ended.says("of rank 0 in step ") && ended.says("within 2 s"))
        << ended.error;
}

TEST_F(MpiRanks, AreAllOutSoonWhenRank0Hangs) {
    const auto program = endless_run();
    ::kill(process_of_rank(program->process(), 0), SIGSTOP);
    const Ended ended = finish_soon(*program);
    EXPECT_EQ(ended.status, 9) << ended.error;
    EXPECT_TRUE(ended.says("rank 0 did not answer") && ended.says("of rank 1 in step ")) << ended.error;
}

TEST_F(MpiRanks, ThatHangWhileDecodingAreNamedAndTheFinishedFramesKept) {
    for (const int rank : {0, 1}) {
        const LongModel model;
        const auto program = long_decode(model);
        ::kill(process_of_rank(program->process(), rank), SIGSTOP);
        const Ended ended = finish_soon(*program);
        EXPECT_EQ(ended.status, 9) << ended.error;
        EXPECT_TRUE(ended.says(fmt::format("rank {} did not answer", rank))) << ended.error;
        EXPECT_TRUE(ended.says("in decode of frame ") && ended.says("within 2 s")) << ended.error;
        expect_kept_frames(ended, rank == 0);
    }
}

TEST_F(MpiRanks, AreAllOutSoonWhenOneIsKilledWhileDecoding) {
    for (const int rank : {0, 1}) {
        const LongModel model;
        const auto program = long_decode(model);
        ::kill(process_of_rank(program->process(), rank), SIGKILL);
        const Ended ended = finish_soon(*program);
        EXPECT_EQ(ended.status, 128 + SIGKILL) << "of the cause\n" << ended.error;
        EXPECT_TRUE(ended.says(fmt::format("rank {} is gone", rank)) && ended.says("in decode of frame "))
            << ended.error;
        expect_kept_frames(ended);
    }
}

TEST_F(MpiRanks, OfDifferentModelsSaySoBeforeTheFirstStep) {
    const ModelCopy other;
    other.edit_checkpoint(kTransformerFile, [](Checkpoint& checkpoint) { checkpoint.data.front() ^= 1; });
    Program program(two_of_models(tiny_model(), other.path()));
    const Ended ended = finish_soon(program);
    EXPECT_EQ(ended.status, 2) << ended.error;
    EXPECT_TRUE(ended.says("rank 1 was started with another model than rank 0")) << ended.error;
}

TEST_F(MpiRanks, EndWithTheCauseWhenOneHasBadWeights) {
    const ModelCopy broken;
    broken.write(kTransformerFile, "no weights");
    Program program(two_of_models(tiny_model(), broken.path()));
    const Ended ended = finish_soon(program);
    EXPECT_EQ(ended.status, 3) << ended.error;
    EXPECT_TRUE(ended.says("rank 1 failed: ")) << ended.error;
}

TEST_F(MpiRanks, WriteOneTimelineWithATrackForEach) {
    const Ended ended = launch(mpi_launch(
        2, generate({"--parallel", "dsp", "--trace", folder / "trace.json", "-v", "-o", folder / "video.y4m"})));
    ASSERT_EQ(ended.status, 0) << ended.error;
    EXPECT_TRUE(ended.says("was the slowest")) << ended.error;
    const nlohmann::json trace = nlohmann::json::parse(content_of(folder / "trace.json"));
    std::map<int, std::vector<double>> steps;  // when they began, in microseconds
    for (const nlohmann::json& event : trace.at("traceEvents")) {
        if (event.at("name") == "step") steps[event.at("pid")].push_back(event.at("ts"));
    }
    ASSERT_EQ(steps.size(), 2u);
    ASSERT_EQ(steps[0].size(), 2u);
    ASSERT_EQ(steps[1].size(), 2u);
    // A step ends when all have what they need of the others, so none begins the next one before another began this.
    EXPECT_LT(steps[0][0], steps[1][1]);
    EXPECT_LT(steps[1][0], steps[0][1]);
}

TEST_F(MpiRanks, EndWithTheCauseWhenOneCannotGoOn) {
    Program program(two_with("--max-ram", "1G", "1M"));
    const Ended ended = finish_soon(program);
    EXPECT_EQ(ended.status, 5) << ended.error;
    EXPECT_TRUE(ended.says("rank 1 failed: the run needs about")) << ended.error;
}

TEST_F(MpiRanks, AreNotMeasuredAsRunsOfTheirOwn) {
    const Ended ended = launch(mpi_launch(2, {"bench", "-m", tiny_model(), "--steps", "1", "--runs", "1"}));
    EXPECT_EQ(ended.status, 2) << ended.error;
    EXPECT_TRUE(ended.says("bench measures one process")) << ended.error;
}

TEST_F(MpiRanks, KeepTheFinishedFramesWhenARunIsCancelled) {
    const LongModel model;
    Launch run =
        mpi_launch(2, generate_with(model.path(), {"-f", "900", "--width", "128", "--height", "128", "--decode-chunk",
                                                   "1", "--progress", "json", "-y", "-o", folder / "video.mp4"}));
    // mpirun waits this many seconds before it tells the ranks to end, and again before it kills them: the second that
    // it grants by itself can be too short to finish a file on a busy machine.
    for (const char* word : {"--mca", "odls_base_sigkill_timeout", "3"}) run.launcher.push_back(word);
    Program program(std::move(run));
    ASSERT_TRUE(program.wait_for("{\"done\":12,"));
    program.send(SIGTERM);
    const Ended ended = finish_soon(program);
    EXPECT_NE(ended.status, 0);
    const size_t frames = frames_of(folder / "video.mp4").size();
    EXPECT_TRUE(frames >= 1 && frames < 900) << frames << " frames\n" << ended.error;
}

}  // namespace
}  // namespace kine::apps
