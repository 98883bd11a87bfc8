// Runs one function on several ranks of this process and brings home whatever went wrong first.
#pragma once

#include "parallel/communicator.h"

#include <functional>

namespace kine::parallel {

/// body(communicator) once per rank, each on a thread of its own (rank 0 on the caller's); returns when all have ended.
/// A rank that throws releases the others (ErrorCode::Rank where they wait for it); its exception is rethrown here. A
/// body needs a Context of its own, since thread pools serve one caller at a time.
void launch(int ranks, const std::function<void(Communicator& communicator)>& body);

}  // namespace kine::parallel
