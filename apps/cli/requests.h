// From arguments to what generate makes: a request for every prompt, with names and a seed of its own.
#pragma once

#include "apps/cli/arguments.h"
#include "apps/cli/surroundings.h"

#include <vector>

namespace kinescope::cli {

/// In the order of the prompts. The n-th has the seed of the first plus n - 1, so that it can be made alone again.
/// Under mpirun that first seed is the same in all processes.
std::vector<Request> make_requests(const Arguments& arguments, const Ranks& ranks);

}  // namespace kinescope::cli
