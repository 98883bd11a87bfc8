// What each kind of ring moves around one attention, in the closed form.
#pragma once

#include "parallel/strategies/strategies.h"

#include <cstdint>
#include <vector>

namespace kine::parallel {

/// One attention as a ring sees it.
struct RingWork {
    std::vector<int64_t> lengths;  ///< of the attended axis, of every rank of the ring
    int64_t batches = 1;           ///< attentions side by side: B1 x B2
    int64_t heads = 1;             ///< on this rank
    int64_t head_size = 1;
    int64_t element_bytes = 4;
    int group = 1;  ///< ranks of an inner ring, for the double ring
};

/// What one rank sends around one attention.
struct Sent {
    int64_t calls = 0;
    int64_t bytes = 0;
};

Sent sent_in_ring(Keys keys, const RingWork& work, int rank);

}  // namespace kine::parallel
