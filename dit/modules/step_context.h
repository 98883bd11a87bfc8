// What one denoising step hands down to every block: where we are, what is kept from earlier steps, who holds which
// tokens.
#pragma once

#include "broadcast/cache.h"
#include "dit/modules/weight_parts.h"
#include "parallel/communicator.h"
#include "parallel/partition.h"
#include "parallel/strategies/strategies.h"
#include "runtime/context.h"
#include "runtime/error.h"

#include <stop_token>

namespace kine::dit {

/// Which part of the tokens this rank holds, and how it reaches the others.
struct RankContext {
    parallel::Communicator& communicator;
    const parallel::Strategy& strategy;
    parallel::Communicator* group = nullptr;  ///< neighbours, as in Mesh
    parallel::Communicator* peers = nullptr;  ///< the ranks at this one's place in other groups
    WeightParts* weights = nullptr;           ///< where strategies that split weights keep theirs
};

/// Whether an attention is a sum over ranks, each with the weights of some heads.
inline bool sums_heads(const RankContext& ranks, parallel::Attended attended) {
    return ranks.strategy.sums(attended) && ranks.communicator.size() > 1;
}

/// Those of `heads` that are this rank's where ranks share them out.
inline parallel::Range own_heads(const RankContext& ranks, int64_t heads) {
    return parallel::partition(heads, ranks.communicator.rank(), ranks.communicator.size());
}

struct StepContext {
    const Context& context;
    int index = 0;  ///< of the step, in the order of the run
    broadcast::Cache& cache;
    RankContext ranks;
    Shape tokens;  ///< whole [B, T, S, C], before any split
    std::stop_token stop;
    bool find_not_finite = false;  ///< check every site's output and name the first that is not finite
};

inline void check_not_cancelled(const StepContext& step) {
    check(!step.stop.stop_requested(), ErrorCode::Interrupted, "cancelled in step {}", step.index);
}

}  // namespace kine::dit
