// What one denoising step hands down to every block: where we are, what is kept from earlier steps, who holds which
// tokens.
#pragma once

#include "broadcast/cache.h"
#include "dit/modules/weight_parts.h"
#include "parallel/communicator.h"
#include "parallel/strategies/strategies.h"
#include "runtime/context.h"

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

struct StepContext {
    const Context& context;
    int index = 0;  ///< of the step, in the order of the run
    broadcast::Cache& cache;
    RankContext ranks;
    Shape tokens;  ///< whole [B, T, S, C], before any split
    std::stop_token stop;
    bool find_not_finite = false;  ///< check every site's output and name the first that is not finite
};

}  // namespace kine::dit
