// Published measurements, simulated: tables of others' runs as data, with the inputs that they leave open, against what
// the closed forms make of them. Says for every row how far off it is, and which rows are not held at all.
#pragma once

#include "runtime/io/json_fwd.h"

#include <string>
#include <vector>

namespace kine::parallel {

struct ReplayRow {
    std::string name;
    double simulated = 0;
    double published = 0;
    double allowed = 0;      ///< relative error; 0: not reproduced, shown all the same
    bool is_fitted = false;  ///< an input was fitted on this row

    double error() const { return simulated / published - 1; }
};

struct ReplayTable {
    std::string name;
    std::string unit;
    std::string source;
    std::vector<std::string> fitted;  ///< the inputs that were fitted, and on what
    std::string note;
    std::vector<ReplayRow> rows;
};

/// `published` is described in apps/bench/published/README.md. Throws ErrorCode::BadInput.
std::vector<ReplayTable> replay(const Json& published, std::string_view where);

}  // namespace kine::parallel
