// Several prompts by several processes, which may be parted into groups.
#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/mpi_run.h"
#include "tests/apps/support/prompt_runs.h"

#include <gtest/gtest.h>

namespace kine::apps {
namespace {

const std::vector<std::string> kPrompts = {"a red kite", "a blue boat", "a green hill"};

class MpiPrompts : public testing::Test {
  protected:
    void SetUp() override {
        if (!has_mpirun()) GTEST_SKIP() << "no MPI here";
    }

    std::vector<std::string> three(const std::vector<std::string>& more) const {
        std::vector<std::string> arguments = several({"--parallel", "dsp", "-o", folder / "{n}.y4m"});
        for (const std::string& prompt : kPrompts) arguments.insert(arguments.end(), {"-p", prompt});
        arguments.insert(arguments.end(), more.begin(), more.end());
        return arguments;
    }

    Ended make(int ranks, const std::vector<std::string>& more) const { return launch(mpi_launch(ranks, three(more))); }

    /// 2 ranks, the second with other options.
    Ended make_two(std::vector<std::string> first, const std::vector<std::string>& second) const {
        first.insert(first.end(), {":", "--allow-run-as-root", "-n", "1", program_path().string()});
        first.insert(first.end(), second.begin(), second.end());
        return launch(mpi_launch(1, first));
    }

    TemporaryFolder folder;
};

/// Processes, and groups of them.
class MpiPromptGroups : public MpiPrompts, public testing::WithParamInterface<std::pair<int, int>> {};

TEST_P(MpiPromptGroups, MakeTheVideosThatEachPromptMakesAlone) {
    const auto& [ranks, groups] = GetParam();
    const Ended ended = make(ranks, {"--request-parallel", std::to_string(groups)});
    ASSERT_EQ(ended.status, 0) << ended.error;
    expect_videos_of(folder.path(), kPrompts);
    EXPECT_EQ(folder.count_files(), 3u);
    const size_t said = ended.error.find("2/3: wrote ");
    ASSERT_NE(said, std::string::npos) << ended.error;
    EXPECT_EQ(ended.error.find("2/3: wrote ", said + 1), std::string::npos) << "one rank of a group talks\n"
                                                                            << ended.error;
}

INSTANTIATE_TEST_SUITE_P(Counts, MpiPromptGroups,
                         testing::Values(std::pair(2, 1), std::pair(2, 2), std::pair(4, 1), std::pair(4, 2)));

TEST_F(MpiPrompts, HaveSeedsInARowWhicheverIsDrawn) {
    ASSERT_EQ(launch(mpi_launch(2, {"generate", "-m", tiny_model(), "--steps", "1", "-p", "a kite", "-p", "a boat",
                                    "--request-parallel", "2", "-o", folder / "{n}.mkv"}))
                  .status,
              0);
    const auto seed_of = [&](const char* name) {
        return nlohmann::json::parse(run({"inspect", "--json", folder / name}).output)["parameters"]["seed"]
            .get<uint64_t>();
    };
    EXPECT_EQ(seed_of("1.mkv") + 1, seed_of("2.mkv"));
}

TEST_F(MpiPrompts, ArePartedByADivisorOfTheRanks) {
    const Ended ended = make(4, {"--request-parallel", "3"});
    EXPECT_EQ(ended.status, 2) << ended.error;
    EXPECT_TRUE(ended.says("request_parallel 3: expected a divisor of the 4 ranks")) << ended.error;
    EXPECT_EQ(folder.count_files(), 0u);
}

TEST_F(MpiPrompts, AreTheSameOnAllRanks) {
    const Ended groups = make_two(three({"--request-parallel", "1"}), three({"--request-parallel", "2"}));
    EXPECT_EQ(groups.status, 2) << groups.error;
    EXPECT_TRUE(groups.says("rank 1 was started with request_parallel 2, rank 0 with 1")) << groups.error;
    const Ended fewer = make_two(three({}), several({"-p", kPrompts[0], "-p", kPrompts[1], "-o", folder / "{n}.y4m"}));
    EXPECT_EQ(fewer.status, 2) << fewer.error;
    EXPECT_TRUE(fewer.says("rank 1 was started with")) << fewer.error;
    const Ended other =
        make_two(three({"--request-parallel", "2", "-p", "a cat"}), three({"--request-parallel", "2", "-p", "a dog"}));
    EXPECT_EQ(other.status, 2) << other.error;
    EXPECT_TRUE(other.says("rank 1 was started with another prompt than rank 0")) << other.error;
    EXPECT_EQ(folder.count_files(), 0u);
}

TEST_F(MpiPrompts, FindAnExistingVideoOfAnotherGroupBeforeAnythingIsMade) {
    folder.write("2.y4m", "the old video");
    const Ended ended = make(2, {"--request-parallel", "2"});
    EXPECT_EQ(ended.status, 7) << ended.error;
    EXPECT_TRUE(ended.says("2/3: ") && ended.says("exists")) << ended.error;
    EXPECT_EQ(content_of(folder / "2.y4m"), "the old video");
    EXPECT_EQ(folder.count_files(), 1u);
}

TEST_F(MpiPrompts, EndTogetherWhenOneFails) {
    std::filesystem::create_symlink("/dev/full", folder / "1.y4m");
    const Ended ended = make(2, {});
    EXPECT_EQ(ended.status, 7) << ended.error;
    EXPECT_TRUE(ended.says("error: 1/3: ") && ended.says("No space left on device")) << ended.error;
    EXPECT_FALSE(std::filesystem::exists(folder / "3.y4m"));
}

TEST_F(MpiPrompts, WriteOneTimelineOfAllRuns) {
    const TemporaryFolder traces;
    const Ended ended = make(2, {"--trace", traces / "t.json"});
    ASSERT_EQ(ended.status, 0) << ended.error;
    EXPECT_EQ(steps_by_rank(traces / "t.json"), (std::map<int, int>{{0, 6}, {1, 6}}));
}

}  // namespace
}  // namespace kine::apps
