// Tables written down in one place: what can be chosen by name, listed, documented and walked by tests.
#pragma once

#include "runtime/error.h"

#include <fmt/ranges.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kine {

template <class Make>
struct Entry {
    std::string_view name;
    std::string_view summary;
    Make make;
};

/// The row called `name`; an unknown name is a usage error that lists the known ones. `kind` is e.g. "policy".
template <class Row>
const Row& find_entry(std::span<const Row> table, std::string_view kind, std::string_view name) {
    std::vector<std::string_view> known;
    for (const Row& row : table) {
        if (row.name == name) return row;
        known.push_back(row.name);
    }
    fail(ErrorCode::Usage, "unknown {} '{}', known are {}", kind, name, fmt::join(known, ", "));
}

}  // namespace kine
