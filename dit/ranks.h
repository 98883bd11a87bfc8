// Where a run becomes several: one function, called once per rank, each with memory, threads and a communicator.
#pragma once

#include "parallel/communicator.h"
#include "runtime/context.h"

#include <functional>

namespace kine::dit {

using RankBody = std::function<void(const Context& context, parallel::Communicator& communicator)>;

/// body on every rank, rank 0 on the caller's thread; one rank runs with `context` itself. Several share its allocator
/// and as many threads as it has, at least one each. The exception that came first is thrown when all have left; an
/// Error says which rank it came from. Ranks that hang after a failure are told to `on_stuck`, with that failure.
void on_ranks(const Context& context, int ranks, const RankBody& body,
              const std::function<void(const Error& failure)>& on_stuck = {});

}  // namespace kine::dit
