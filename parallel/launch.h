// Runs one function on several ranks of this process and brings home whatever went wrong first.
#pragma once

#include "parallel/communicator.h"

#include <functional>
#include <vector>

namespace kine::parallel {

/// Ranks that did not come back although the run had failed.
struct LostRanks {
    std::exception_ptr failure;
    std::vector<int> ranks;
};

/// A thread cannot be ended from outside, and what it works on cannot be taken from under it: launch() waits for a rank
/// that hangs, and only whoever owns the process can put an end to that. `call` tells, once, on a thread that is still
/// well; it may end the process.
struct GiveUp {
    std::function<void(const LostRanks& lost)> call;
    double patience_seconds = 3;  ///< from the failure on
};

/// body(communicator) once per rank, each on a thread of its own (rank 0 on the caller's); returns when all have ended.
/// A rank that throws releases the others (ErrorCode::Rank where they wait for it); its exception is rethrown here. A
/// body needs a Context of its own, since thread pools serve one caller at a time.
void launch(int ranks, const std::function<void(Communicator& communicator)>& body, const GiveUp& give_up = {});
/// The same for the ranks of these, in their order.
void launch(std::vector<std::unique_ptr<Communicator>> ranks,
            const std::function<void(Communicator& communicator)>& body, const GiveUp& give_up = {});

}  // namespace kine::parallel
