#include "runtime/device/cuda/pinned.h"

#include "runtime/device/cuda/check.h"

#include <cuda_runtime_api.h>

namespace kine {

PinnedBuffer::PinnedBuffer(int64_t bytes) : size_(bytes) {
    void* made = nullptr;
    if (bytes > 0) check_cuda(cudaMallocHost(&made, static_cast<size_t>(bytes)), "pinned memory");
    memory_ = static_cast<std::byte*>(made);
}

PinnedBuffer::~PinnedBuffer() {
    if (memory_ != nullptr) cudaFreeHost(memory_);
}

}  // namespace kine
