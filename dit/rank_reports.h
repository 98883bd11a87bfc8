// What threads of one process write into one report, processes tell one another.
#pragma once

#include "dit/generator.h"

#include <span>

namespace kine::dit {

/// Every process calls this with its own report in `reports`[rank]; then all are there.
void gather_reports(const Context& context, parallel::Communicator& communicator, std::span<RankReport> reports);

}  // namespace kine::dit
