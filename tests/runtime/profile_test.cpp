#include "runtime/profile.h"

#include "runtime/io/json.h"
#include "tests/runtime/errors.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <thread>

namespace kine {
namespace {

TEST(Profiler, RecordsNothingWhileOff) {
    Profiler profiler;
    { const ProfileZone zone(profiler, "norm"); }
    EXPECT_TRUE(profiler.events().empty());
}

TEST(Profiler, KnowsHowDeepAZoneLies) {
    Profiler profiler;
    profiler.enable();
    {
        const ProfileZone outer(profiler, "step");
        { const ProfileZone inner(profiler, "block"); }
        { const ProfileZone inner(profiler, "other block"); }
    }
    { const ProfileZone next(profiler, "decode"); }
    std::map<std::string, int> depths;
    for (const Profiler::Event& event : profiler.events()) depths[event.name] = event.depth;
    EXPECT_EQ(depths, (std::map<std::string, int>{{"step", 0}, {"block", 1}, {"other block", 1}, {"decode", 0}}));
}

TEST(Profiler, SortsByBeginAndKeepsThreadsApart) {
    Profiler profiler;
    profiler.record({"late", 20, 5, 1, 0});
    profiler.record({"elsewhere", 11, 2, 2, 0});
    profiler.record({"inner", 10, 4, 1, 0});
    profiler.record({"outer", 10, 9, 1, 0});
    const auto events = profiler.events();
    ASSERT_EQ(events.size(), 4u);
    const std::vector<std::string> names = {events[0].name, events[1].name, events[2].name, events[3].name};
    EXPECT_EQ(names, (std::vector<std::string>{"outer", "inner", "elsewhere", "late"}));
    EXPECT_EQ(events[1].depth, 1);
    EXPECT_EQ(events[2].depth, 0);
    EXPECT_EQ(events[3].depth, 0);
}

TEST(Profiler, WritesATraceThatParses) {
    const TemporaryFolder folder;
    Profiler profiler;
    profiler.record({"attention \"x\"\n\x1b \xff", 1'234'567, 2'500, 7, 0});
    profiler.record({"norm", 5'000'000, 1'000, 8, 0});
    profiler.write_trace(folder / "trace.json");
    const Json trace = read_json(folder / "trace.json");
    const Json& events = trace["traceEvents"];
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0]["ph"], "X");
    EXPECT_DOUBLE_EQ(events[0]["ts"].get<double>(), 1234.567);
    EXPECT_DOUBLE_EQ(events[0]["dur"].get<double>(), 2.5);
    EXPECT_EQ(events[0]["tid"], 7);
    EXPECT_TRUE(events[0]["pid"].is_number_integer());
    EXPECT_EQ(events[1]["name"], "norm");
}

TEST(Profiler, WritesAnEmptyTraceThatParses) {
    const TemporaryFolder folder;
    Profiler().write_trace(folder / "trace.json");
    EXPECT_TRUE(read_json(folder / "trace.json")["traceEvents"].empty());
}

TEST(Profiler, SaysWhereATraceCannotBeWritten) {
    const TemporaryFolder folder;
    expect_error(ErrorCode::Output, "missing/trace.json",
                 [&] { Profiler().write_trace(folder / "missing/trace.json"); });
}

TEST(Profiler, TakesZonesOfSeveralThreads) {
    Profiler profiler;
    profiler.enable();
    const auto work = [&] {
        for (int i = 0; i < 100; ++i) const ProfileZone zone(profiler, "zone");
    };
    std::thread other(work);
    work();
    other.join();
    EXPECT_EQ(profiler.events().size(), 200u);
}

}  // namespace
}  // namespace kine
