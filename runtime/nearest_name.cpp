#include "runtime/options.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace kine {

namespace {

/// Levenshtein's distance, row by row.
size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < a.size(); ++i) {
        size_t diagonal = std::exchange(row[0], i + 1);
        for (size_t j = 0; j < b.size(); ++j) {
            const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
        }
    }
    return row[b.size()];
}

size_t length_difference(std::string_view a, std::string_view b) {
    return a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
    constexpr size_t kLongest = 512;  // beyond it is no typing error, and the table would be large
    size_t best = std::max<size_t>(2, name.size() / 3) + 1;
    std::string_view nearest;
    for (const std::string& candidate : candidates) {
        if (name.size() > kLongest || length_difference(name, candidate) >= best) continue;
        const size_t distance = edit_distance(name, candidate);
        if (distance >= best) continue;
        best = distance;
        nearest = candidate;
    }
    return std::string(nearest);
}

}  // namespace kine
