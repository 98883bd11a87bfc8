// The simulator against what others measured: apps/bench/published/scaling.json.
#include "parallel/planner/replay.h"
#include "runtime/io/json.h"

#include "runtime/error.h"
#include "tests/support/source_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

namespace kine::parallel {
namespace {

Json published() { return read_json(source_tree() / "apps" / "bench" / "published" / "scaling.json"); }

TEST(Replay, OfEveryPublishedRowIsAsNearAsItsTableAllows) {
    size_t held = 0;
    for (const ReplayTable& table : replay(published(), "published")) {
        for (const ReplayRow& row : table.rows) {
            if (row.allowed == 0) continue;
            EXPECT_LE(std::abs(row.error()), row.allowed)
                << table.name << ", " << row.name << ": " << row.simulated << ", published " << row.published;
            ++held;
        }
    }
    EXPECT_GE(held, 50u);
}

TEST(Replay, AllowsNoMoreThanWasPromised) {
    const Json tables = published()["tables"];
    for (const Json& table : tables) {
        for (const Json& row : table["rows"]) {
            const double allowed = row.value("allowed", table["allowed"].get<double>());
            const bool has_heads_split = row.value("heads_group", 1) > 1;  // Ulysses, alone or across rings
            EXPECT_LE(allowed, has_heads_split ? 0.10 : 0.15) << row["row"];
        }
    }
}

TEST(Replay, NamesWhatWasFittedAndSaysWhatIsNotReproduced) {
    const Json tables = published()["tables"];
    for (const Json& table : tables) {
        const auto is_fitted = [](const Json& row) { return row.value("fitted", false); };
        const auto is_left_out = [&](const Json& row) {
            return row.value("allowed", table["allowed"].get<double>()) == 0;
        };
        const Json& rows = table["rows"];
        EXPECT_TRUE(table.contains("fitted") || std::none_of(rows.begin(), rows.end(), is_fitted)) << table["name"];
        EXPECT_TRUE(table.contains("note") || std::none_of(rows.begin(), rows.end(), is_left_out)) << table["name"];
        const auto count = std::count_if(rows.begin(), rows.end(), is_fitted);
        EXPECT_LT(count, static_cast<int64_t>(rows.size())) << table["name"] << ": nothing is predicted";
    }
}

TEST(Replay, FindsTheFastestGridOfEveryMachineAsMeasured) {
    for (const ReplayTable& table : replay(published(), "published")) {
        if (!table.name.starts_with("one causal attention")) continue;
        for (const std::string start : {"L20, 128k tokens, 32 heads of 32", "the same, 32k tokens"}) {
            const ReplayRow* best = nullptr;
            for (const ReplayRow& row : table.rows) {
                if (row.name.starts_with(start) && (!best || row.simulated > best->simulated)) best = &row;
            }
            ASSERT_NE(best, nullptr);
            EXPECT_TRUE(best->name.ends_with("2 x 4")) << best->name;
        }
    }
}

TEST(Replay, RefusesWhatItCannotRead) {
    Json broken = published();
    broken["tables"][0]["kind"] = "guess";
    EXPECT_THROW(replay(broken, "broken"), Error);
    broken = published();
    broken["tables"][0]["rows"][0]["cluster"] = "abacus";
    EXPECT_THROW(replay(broken, "broken"), Error);
    broken = published();
    broken["tables"][0].erase("model");
    EXPECT_THROW(replay(broken, "broken"), Error);
}

}  // namespace
}  // namespace kine::parallel
