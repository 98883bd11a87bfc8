// Parcels between GPUs, over NCCL. Not run on a device yet.
#pragma once

#include "parallel/communicator.h"
#include "parallel/nccl/library.h"
#include "parallel/processes.h"

namespace kine::parallel {

/// GPUs that NCCL can see. ErrorCode::Device without a driver, naming what is missing.
int nccl_devices(const NcclLibrary& library);

/// One rank for each of these GPUs of this process, for as many threads.
std::vector<std::unique_ptr<Communicator>> make_nccl_communicators(std::span<const int> devices);

/// Between the processes of a group, each with one of its machine's GPUs. Each makes the same transports in the same
/// order.
std::unique_ptr<Transport> make_nccl_transport(const Context& context, Processes& processes, int device);

}  // namespace kine::parallel
