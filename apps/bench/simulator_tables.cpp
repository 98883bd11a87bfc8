// Published scaling tables against the simulator: simulator_tables FILE.json (published/scaling.json). Prints every
// row, what was fitted on what, and what is not reproduced. Exit status 1 if a row is further off than its table
// allows.
#include "parallel/planner/replay.h"
#include "runtime/error.h"
#include "runtime/io/json.h"

#include <fmt/core.h>

#include <cmath>
#include <exception>

namespace {

using namespace kine::parallel;

std::string verdict_of(const ReplayRow& row) {
    if (row.allowed == 0) return "not held";
    if (std::abs(row.error()) > row.allowed) return fmt::format("BEYOND {:.0f} %", 100 * row.allowed);
    return row.is_fitted ? "ok, fitted" : "ok";
}

int beyond(const ReplayTable& table) {
    int count = 0;
    for (const ReplayRow& row : table.rows) count += row.allowed > 0 && std::abs(row.error()) > row.allowed ? 1 : 0;
    return count;
}

void print_table(const ReplayTable& table) {
    fmt::print("{}\n  published in: {}\n", table.name, table.source);
    for (const std::string& input : table.fitted) fmt::print("  fitted: {}\n", input);
    if (!table.note.empty()) fmt::print("  note: {}\n", table.note);
    fmt::print("  {:<52} {:>10} {:>10} {:>8}\n", table.unit, "model", "published", "error");
    for (const ReplayRow& row : table.rows) {
        fmt::print("  {:<52} {:>10.4g} {:>10.4g} {:>+6.1f} %  {}\n", row.name, row.simulated, row.published,
                   100 * row.error(), verdict_of(row));
    }
    fmt::print("\n");
}

int print_all(const std::string& file) {
    int failures = 0;
    for (const ReplayTable& table : replay(kine::read_json(file), file)) {
        print_table(table);
        failures += beyond(table);
    }
    fmt::print("rows beyond what their table allows: {}\n", failures);
    return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        kine::check(argc == 2, kine::ErrorCode::Usage, "expected one argument, published/scaling.json, came {}",
                    argc - 1);
        return print_all(argv[1]);
    } catch (const std::exception& error) {
        fmt::print(stderr, "simulator_tables: {}\n", error.what());
        return 2;
    }
}
