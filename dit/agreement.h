// Ranks that are processes were each started with options of their own; a run needs them to be the same.
#pragma once

#include "dit/request.h"
#include "parallel/communicator.h"
#include "runtime/context.h"

namespace kine::dit {

/// Every rank calls this before the first step. ErrorCode::Usage names a rank whose request or model differs from those
/// of rank 0, and in what. `model` tells models apart.
void check_agreement(const Context& context, parallel::Communicator& communicator, const Request& request,
                     std::string_view model);

}  // namespace kine::dit
