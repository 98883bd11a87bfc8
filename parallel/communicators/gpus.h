// Ranks of one process that are GPUs.
#pragma once

#include "parallel/communicator.h"

namespace kine::parallel {

/// One for each of these GPUs, for as many threads, over NCCL. ErrorCode::Unsupported where NCCL is not there.
std::vector<std::unique_ptr<Communicator>> make_gpu_communicators(std::span<const Device> devices);

}  // namespace kine::parallel
