// One timeline of ranks whose clocks differ.
#include "parallel/timeline.h"
#include "parallel/launch.h"
#include "runtime/io/json.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

namespace kine::parallel {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

using Events = std::vector<Profiler::Event>;

const Profiler::Event& find(const Events& events, const std::string& name, int rank) {
    const auto is_it = [&](const Profiler::Event& event) { return event.name == name && event.rank == rank; };
    const auto found = std::ranges::find_if(events, is_it);
    if (found == events.end()) throw Error(ErrorCode::Other, name + " is not there");
    return *found;
}

/// Every rank's clock began `shift_ns` later than that of the rank before, as on machines that were started one after
/// the other; each has work between two meetings.
void work_by_clocks_apart(Communicator& communicator, int64_t shift_ns, Profiler& collected) {
    TestContext bundle(1);
    Profiler own(collected.start_ns() + communicator.rank() * shift_ns);
    Profiler& profiler = communicator.rank() == 0 ? collected : own;
    profiler.enable();
    const Context context{Device{}, bundle.allocator, bundle.threads, profiler};
    const std::vector<Shape> shapes(static_cast<size_t>(communicator.size()), Shape{4});
    const Tensor part = Tensor::zeros(context, {4}, DType::Float32);
    {
        const ProfileZone zone(profiler, "step");
        communicator.all_gather(context, part, shapes);
        { const ProfileZone inner(profiler, fmt::format("work of {}", communicator.rank())); }
        communicator.reduce_scatter(context, std::vector<Tensor>(shapes.size(), part));
    }
    gather_zones(context, communicator);
}

class Timeline : public testing::Test {
  protected:
    Events events_of(int ranks, int64_t shift_ns) {
        collected.emplace();
        launch(ranks, [&](Communicator& communicator) { work_by_clocks_apart(communicator, shift_ns, *collected); });
        return collected->events();
    }

    std::optional<Profiler> collected;
};

TEST_F(Timeline, PutsWhatRanksDidAtTheSameTimeAtTheSameTimeHoweverTheirClocksDiffer) {
    for (const int64_t shift : {int64_t{0}, 5'000 * kMillisecond, -70'000 * kMillisecond}) {
        const Events events = events_of(3, shift);
        for (int rank = 1; rank < 3; ++rank) {
            const Profiler::Event& own = find(events, fmt::format("work of {}", rank), rank);
            const Profiler::Event& met = find(events, "all_gather", 0);
            const Profiler::Event& parted = find(events, "reduce_scatter", 0);
            // It lies between two meetings of all. Machines under load take their time to answer: a few milliseconds.
            EXPECT_GT(own.begin_ns, met.begin_ns - 20 * kMillisecond) << shift;
            EXPECT_LT(own.begin_ns, parted.begin_ns + parted.duration_ns + 20 * kMillisecond) << shift;
        }
    }
}

TEST_F(Timeline, HasATrackForEachRankWhoseZonesNest) {
    const Events events = events_of(4, kMillisecond);
    for (int rank = 0; rank < 4; ++rank) {
        const Profiler::Event& step = find(events, "step", rank);
        const Profiler::Event& gather = find(events, "all_gather", rank);
        EXPECT_EQ(step.depth, 0);
        EXPECT_EQ(gather.depth, 1);
        EXPECT_GE(gather.begin_ns, step.begin_ns);
        EXPECT_LE(gather.begin_ns + gather.duration_ns, step.begin_ns + step.duration_ns);
    }
}

TEST_F(Timeline, SaysHowManyBytesACollectiveMoved) {
    const Events events = events_of(3, 0);
    for (int rank = 0; rank < 3; ++rank) {
        EXPECT_EQ(find(events, "all_gather", rank).bytes_sent, 2 * 16);
        EXPECT_EQ(find(events, "all_gather", rank).bytes_received, 2 * 16);
        EXPECT_EQ(find(events, "step", rank).bytes_sent, -1) << "a zone that moves nothing says so";
    }
}

TEST_F(Timeline, GetsTheZonesOfEachRunOnce) {
    Profiler all;
    all.enable();
    launch(2, [&](Communicator& communicator) {
        TestContext bundle(1);
        Profiler own;
        Profiler& profiler = communicator.rank() == 0 ? all : own;
        profiler.enable();
        const Context context{Device{}, bundle.allocator, bundle.threads, profiler};
        for (int run = 0; run < 3; ++run) {
            { const ProfileZone zone(profiler, "step"); }
            gather_zones(context, communicator);
        }
    });
    const Events events = all.events();
    for (const int rank : {0, 1}) {
        const auto is_step = [&](const Profiler::Event& event) { return event.name == "step" && event.rank == rank; };
        EXPECT_EQ(std::ranges::count_if(events, is_step), 3) << rank;
    }
}

TEST_F(Timeline, IsOneFileWithANameForEachTrack) {
    events_of(3, kMillisecond);
    const TemporaryFolder folder;
    collected->write_trace(folder / "trace.json");
    const Json trace = read_json(folder / "trace.json");
    std::set<std::string> names;
    std::set<int> tracks;
    for (const Json& event : trace["traceEvents"]) {
        if (event["ph"] == "M") names.insert(event["args"]["name"]);
        if (event["ph"] == "X") tracks.insert(event["pid"].get<int>());
        if (event["name"] == "all_gather" && event["ph"] == "X" && event["args"]["bytes_sent"] == 32) {
            EXPECT_EQ(event["cat"], "communication");
        }
    }
    EXPECT_EQ(names, (std::set<std::string>{"rank 0", "rank 1", "rank 2"}));
    EXPECT_EQ(tracks, (std::set<int>{0, 1, 2}));
}

TEST(RankProfiler, HandsTheZonesOfAThreadToItsParentAtTheTimesAtWhichTheyWere) {
    Profiler parent;
    parent.enable();
    {
        RankProfiler rank(parent, 2);
        const ProfileZone outer(parent, "outer");
        const ProfileZone inner(rank.get(), "inner");
    }
    const Events events = parent.events();
    const Profiler::Event& outer = find(events, "outer", 0);
    const Profiler::Event& inner = find(events, "inner", 2);
    EXPECT_GE(inner.begin_ns, outer.begin_ns);
    EXPECT_LE(inner.begin_ns + inner.duration_ns, outer.begin_ns + outer.duration_ns);
}

TEST(RankProfiler, RecordsNothingWhereItsParentIsOff) {
    Profiler parent;
    {
        RankProfiler rank(parent, 1);
        const ProfileZone zone(rank.get(), "zone");
    }
    EXPECT_TRUE(parent.events().empty());
}

}  // namespace
}  // namespace kine::parallel
