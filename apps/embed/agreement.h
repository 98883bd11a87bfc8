// What processes have to agree on before they make videos together: each was started, and drew its seeds, alone.
#pragma once

#include "apps/embed/run_request.h"
#include "parallel/processes.h"

#include <span>

namespace kine::embed {

/// A seed that nobody asked for becomes rank 0's. Every rank calls this.
void agree_on_seed(const Context& context, parallel::Communicator& communicator, RunRequest& request);
/// The same for the requests that all processes are going to make, whichever group makes which. ErrorCode::Usage names
/// the rank that has more or fewer of them, or others, and the option that differs.
void agree(parallel::Processes& processes, std::span<RunRequest* const> requests);

}  // namespace kine::embed
