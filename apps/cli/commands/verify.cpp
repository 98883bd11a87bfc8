// kinescope verify: every stage of a golden case against the reference implementation, one row each.
#include "apps/cli/commands/commands.h"
#include "apps/cli/run_setup.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace kinescope::cli {

namespace {

using Json = nlohmann::json;

/// JSON has no NaN: an error that is none is null.
Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json as_json(const kine_stage_result& row) {
    return {{"stage", row.stage}, {"error", finite(row.error)},  {"allowed", finite(row.allowed)},
            {"ok", row.ok != 0},  {"skipped", row.skipped != 0}, {"note", row.note}};
}

std::string as_line(const kine_stage_result& row) {
    if (row.skipped != 0) return fmt::format("  {:<44} skipped: {}\n", row.stage, row.note);
    return fmt::format("  {:<44} {:>10.3g} {:>10.3g}  {}{}{}\n", row.stage, row.error, row.allowed,
                       row.ok != 0 ? "ok" : "FAILED", *row.note != '\0' ? "  " : "", row.note);
}

}  // namespace

int run_verify(const Arguments& arguments, Surroundings&) {
    const bool as_data = arguments.flag("json");
    Session session = make_session(arguments, false);
    Json cases = Json::array();
    bool all_passed = true, is_anything_checked = false;
    for (const std::string& golden_case : arguments.positional) {
        if (!as_data) print_data(fmt::format("{}\n  {:<44} {:>10} {:>10}\n", golden_case, "stage", "error", "allowed"));
        Json stages = Json::array();
        const bool passed = session.verify(golden_case, [&](const kine_stage_result& row) {
            stages.push_back(as_json(row));
            is_anything_checked = is_anything_checked || row.skipped == 0;
            if (!as_data) print_data(as_line(row));
        });
        all_passed = all_passed && passed;
        cases.push_back({{"case", golden_case}, {"passed", passed}, {"stages", std::move(stages)}});
    }
    if (as_data) print_data(cases.dump(2) + "\n");
    if (!is_anything_checked) return KINE_UNSUPPORTED;
    return all_passed ? KINE_OK : KINE_OTHER;
}

}  // namespace kinescope::cli
