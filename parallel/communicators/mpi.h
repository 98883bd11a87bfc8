// Parcels between processes, over MPI.
#pragma once

#include "parallel/processes.h"

namespace kine::parallel {

/// Between `members`, this process among them, by their ranks among all. Each makes the same transports in the same
/// order.
std::unique_ptr<Transport> make_mpi_transport(Processes& processes, const std::vector<int>& members);

}  // namespace kine::parallel
