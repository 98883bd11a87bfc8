// Where blocks of memory lie that are not all held at the same time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kine {

/// A block that is held from one moment on until before another.
struct Lifetime {
    int64_t bytes = 0;
    int64_t begin = 0;
    int64_t end = 0;
};

struct MemoryLayout {
    std::vector<int64_t> offsets;  ///< of each block
    int64_t bytes = 0;             ///< of all
};

/// Blocks that are held at once do not overlap; offsets are multiples of `alignment`. The largest get their place
/// first, each the lowest that is free (greedy by size: Pisarchyk and Lee 2020, arXiv 2001.03288).
MemoryLayout lay_out(std::span<const Lifetime> blocks, int64_t alignment);

}  // namespace kine
