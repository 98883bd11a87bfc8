// What the program says of ranks without running any: scaling tables, clusters of its own measuring.
#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/program.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

namespace kine::apps {
namespace {

using Json = nlohmann::json;

Json plan_of(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"plan", "--json", "--preset", "open-sora-1.2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.status, 0) << ended.shown();
    return ended.status == 0 ? Json::parse(ended.output) : Json();
}

TEST(RankPlans, ListEveryWayToPartTheBranchesWhereThatIsLeftToThem) {
    const Json plan = plan_of({"--ranks", "8", "--cluster", "h200-nvlink", "--cfg-parallel", "auto"});
    int apart = 0, together = 0;
    for (const Json& row : plan["strategies"]) (row["cfg_parallel"].get<bool>() ? apart : together) += 1;
    EXPECT_GT(apart, 5);
    EXPECT_GT(together, 5);
    EXPECT_TRUE(plan["cfg_parallel"].get<bool>()) << "branches meet once a step, sequences in every block";
    EXPECT_FALSE(plan_of({"--ranks", "8", "--cluster", "h200-nvlink"})["cfg_parallel"].get<bool>());
    EXPECT_FALSE(plan_of({"--ranks", "3", "--cfg-parallel", "auto"})["cfg_parallel"].get<bool>());
}

TEST(RankPlans, SayWhereScalingEndsAndWhy) {
    const Json scaling = plan_of({"--cluster", "h200-nvlink", "--scaling"})["scaling"];
    ASSERT_EQ(scaling["rows"].size(), 11u) << "1 to 1,024";
    EXPECT_GT(scaling["ends_at"].get<int>(), 1);
    EXPECT_FALSE(scaling["reason"].get<std::string>().empty());
    double last = 0;
    for (const Json& row : scaling["rows"]) {
        EXPECT_GT(row["time_s"].get<double>(), 0);
        const bool is_worth_it = row["ranks"].get<int>() <= scaling["ends_at"].get<int>();
        EXPECT_TRUE(!is_worth_it || row["speedup"].get<double>() > last) << row;
        last = row["speedup"].get<double>();
    }
    const Ended text = run({"plan", "--preset", "cogvideox-5b", "--cluster", "h100-nvlink", "--scaling", "256"});
    EXPECT_EQ(text.status, 0) << text.shown();
    EXPECT_NE(text.output.find("scaling ends at"), std::string::npos) << text.output;
    const Ended cut = run({"plan", "--preset", "wan2.1-t2v-14b", "--cluster", "h200-nvlink", "--scaling", "16"});
    EXPECT_NE(cut.output.find("scaling goes on beyond 16 ranks"), std::string::npos) << cut.output;
    EXPECT_EQ(run({"plan", "--preset", "open-sora-1.2", "--scaling", "many"}).status, 2);
}

TEST(RankPlans, GoByAClusterThatWasMeasuredHere) {
    const TemporaryFolder folder;
    const std::string file = (folder.path() / "here.json").string();
    const Ended measured = run({"bench", "--calibrate", "-o", file});
    ASSERT_EQ(measured.status, 0) << measured.shown();
    EXPECT_EQ(plan_of({"--ranks", "2", "--cluster", file})["cluster"], "here");
    const Ended again = run({"bench", "--calibrate", "-o", file});
    EXPECT_EQ(again.status, 7) << again.shown();
    EXPECT_TRUE(again.says("exists")) << again.error;
    EXPECT_EQ(run({"bench", "--calibrate", "-o", (folder.path() / "here.mp4").string()}).status, 2);
    EXPECT_EQ(run({"bench", "-o", file, "-m", tiny_model()}).status, 2) << "only --calibrate writes a file";
}

}  // namespace
}  // namespace kine::apps
