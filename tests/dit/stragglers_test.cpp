// Who the others waited for.
#include "dit/stragglers.h"
#include "dit/generator.h"
#include "tests/support/source_tree.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <set>

namespace kine::dit {
namespace {

RankReport rank_with(std::vector<StepTime> steps) {
    RankReport report;
    report.steps = std::move(steps);
    return report;
}

TEST(Stragglers, AreThoseThatWorkedLongestNotThoseThatWaitedLongest) {
    const std::vector<RankReport> ranks = {rank_with({{1.0, 0.25}, {1.0, 0.5}}), rank_with({{1.0, 0.5}, {1.0, 0.125}}),
                                           rank_with({{1.0, 0.75}, {1.0, 0.75}})};
    const std::vector<Straggler> rows = find_stragglers(ranks);
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].rank, 0);
    EXPECT_EQ(rows[1].rank, 1);
    EXPECT_EQ(rows[1].step, 1);
    EXPECT_EQ(rows[0].busy_seconds, 0.75);
    EXPECT_EQ(rows[0].others_seconds, 0.375);   // (0.5 + 0.25) / 2
    EXPECT_EQ(rows[0].waiting_seconds, 0.625);  // (0.5 + 0.75) / 2
}

TEST(Stragglers, AreNoneWhereThereIsOneRank) {
    EXPECT_TRUE(find_stragglers(std::vector<RankReport>{rank_with({{1.0, 0.0}})}).empty());
}

Request small_request() {
    Request request;
    request.prompt = "a red circle";
    request.width = 48;
    request.height = 32;
    request.num_frames = 5;
    request.steps = 3;
    request.ranks = 3;
    return request;
}

/// Rank 0 is the one that tells: a slow listener slows it.
TEST(Stragglers, AreNamedWhenARankIsSlowedOnPurpose) {
    class Slow final : public Observer {
      public:
        void on_latents(int, const Tensor&) override {
            FrameQueue full(1);
            full.push({});
            full.wait_for_room(std::chrono::steady_clock::now() + std::chrono::milliseconds(300));
        }
    } slow;
    TestContext bundle;
    const auto generator = Generator::open(bundle.context, source_tree() / "assets" / "demo", DType::Float32);
    FrameQueue frames(100);
    const RunReport report = generator->generate(bundle.context, small_request(), frames, slow, {});
    const std::vector<Straggler> rows = find_stragglers(report.ranks);
    ASSERT_EQ(rows.size(), 3u);
    for (const Straggler& row : rows) EXPECT_EQ(row.rank, 0) << row.step;
    EXPECT_GT(rows[1].waiting_seconds, 0.1) << "the others wait for it in the step after";
}

TEST(RunTimeline, HasTheStepsSitesAndPiecesOfEveryRankThatIsAThread) {
    TestContext bundle;
    bundle.profiler.enable();
    const auto generator = Generator::open(bundle.context, source_tree() / "assets" / "demo", DType::Float32);
    FrameQueue frames(100);
    Observer quiet;
    generator->generate(bundle.context, small_request(), frames, quiet, {});
    std::array<std::set<std::string>, 3> seen;
    for (const Profiler::Event& event : bundle.profiler.events()) {
        ASSERT_TRUE(0 <= event.rank && event.rank < 3);
        seen[static_cast<size_t>(event.rank)].insert(event.name);
    }
    for (const std::set<std::string>& names : seen) {
        for (const char* name : {"step", "spatial.0", "temporal.4", "decode", "decode piece"}) {
            EXPECT_TRUE(names.contains(name)) << name;
        }
    }
    EXPECT_TRUE(seen[0].contains("encode"));
}

}  // namespace
}  // namespace kine::dit
