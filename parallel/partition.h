// Who holds what of an axis: balanced, in rank order, known to every rank without talking.
#pragma once

#include <cstdint>

namespace kine::parallel {

struct Range {
    int64_t begin = 0;
    int64_t end = 0;
    int64_t size() const { return end - begin; }
    bool operator==(const Range&) const = default;
};

/// The part of [0, count) that `rank` of `ranks` holds: the first count % ranks ranks hold one more. May be empty.
Range partition(int64_t count, int rank, int ranks);

/// What the neighbours `ranks` / `groups` hold together that form the group `group`. Shared out among them by
/// partition(), it gives each the part that it has of the whole.
Range group_part(int64_t count, int group, int groups, int ranks);

}  // namespace kine::parallel
