// Parcels between processes, over MPI.
#pragma once

#include "parallel/processes.h"

namespace kine::parallel {

/// Between all processes. Every rank makes the same transports in the same order.
std::unique_ptr<Transport> make_mpi_transport(Processes& processes);

}  // namespace kine::parallel
