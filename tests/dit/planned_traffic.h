// What ranks send, held against what the planner says of them.
#pragma once

#include "dit/generator.h"
#include "parallel/planner/volume.h"

#include <gtest/gtest.h>

namespace kine::dit {

/// To the byte and the call, for the strategy and ranks of `request`.
inline void expect_planned_traffic(Generator& generator, Context& context, const Request& request) {
    Observer quiet;
    FrameQueue frames(100);
    const RunReport report = generator.generate(context, request, frames, quiet, {});
    const parallel::Work work = generator.rank_work(request);
    const parallel::Strategy& strategy = parallel::find_strategy(request.parallel);
    for (int rank = 0; rank < request.ranks; ++rank) {
        const parallel::Traffic& counted = report.ranks[static_cast<size_t>(rank)].traffic;
        const parallel::Sent said = parallel::bytes_sent(work, strategy, rank, static_cast<int>(request.ranks));
        EXPECT_EQ(counted.bytes_sent, said.bytes) << strategy.name << ", rank " << rank;
        EXPECT_EQ(counted.calls, said.calls) << strategy.name << ", rank " << rank;
    }
}

}  // namespace kine::dit
