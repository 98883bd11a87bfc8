// The table of command line options: every spelling, what it sets, where it is accepted. Help, parsing and
// configuration files walk it, so an option exists once.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinescope::cli {

/// Bits: the commands that accept an option.
enum Command : unsigned {
    kGenerate = 1,
    kPlan = 2,
    kInspect = 4,
    kVerify = 8,
    kCompare = 16,
    kBench = 32,
    kList = 64,
    kRuns = kGenerate | kPlan | kBench,
};

/// Where an option's value goes.
enum class Target { Session, Request, Output, Program };

struct OptionRow {
    std::string_view key;        ///< the library's name where the target is the library
    std::string_view spellings;  ///< "-W,--width,--alias": help shows the short one and the first long one
    std::string_view value;      ///< placeholder in help; empty for a flag, "[...]" for a flag that may have a value
    Target target;
    unsigned commands;
    std::string_view group;
    std::string_view help;
    bool repeatable = false;
};

/// Whether the option may stand alone, which means "true".
constexpr bool may_be_bare(const OptionRow& row) { return row.value.empty() || row.value.front() == '['; }

std::span<const OptionRow> option_rows();
/// The row with this spelling (without dashes, '-' and '_' alike) among those that `command` accepts; null if none.
const OptionRow* find_row(std::string_view spelling, unsigned command);
/// Every spelling of a row, with '_' forms.
std::vector<std::string> spellings_of(const OptionRow& row);

}  // namespace kinescope::cli
