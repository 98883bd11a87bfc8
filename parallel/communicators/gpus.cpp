// In a file of its own: tests of dispatch put emulated GPUs behind it, which NCCL cannot reach.
#include "parallel/communicators/gpus.h"

#include "parallel/communicators/nccl.h"

namespace kine::parallel {

std::vector<std::unique_ptr<Communicator>> make_gpu_communicators(std::span<const Device> devices) {
    std::vector<int> indices;
    for (const Device& device : devices) indices.push_back(device.index);
    return make_nccl_communicators(indices);
}

}  // namespace kine::parallel
