// Where a run becomes several: one function, called once per rank, each with memory, threads and a communicator.
#pragma once

#include "parallel/communicator.h"
#include "parallel/processes.h"
#include "runtime/context.h"

#include <functional>

namespace kine::dit {

using RankBody = std::function<void(const Context& context, parallel::Communicator& communicator)>;

/// Who the ranks are.
struct RankHost {
    int ranks = 1;
    parallel::Processes* processes = nullptr;                 ///< of which this is one; null: threads of this process
    std::function<void(const Error& failure)> on_stuck = {};  ///< told of threads that hang after a failure
};

/// body on every rank of this process: of threads, rank 0 on the caller's thread; one rank runs with `context` itself.
/// Several share as many threads as it has, at least one each, and its allocator, unless it has other GPUs too: then
/// each has the one of its number. The exception that came first is thrown when all have left; an Error says which rank
/// it came from.
void on_ranks(const Context& context, const RankHost& host, const RankBody& body);

}  // namespace kine::dit
