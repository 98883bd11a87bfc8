#include "runtime/device/cuda/pinned.h"

#include "runtime/device/cuda/check.h"

#include <cuda_runtime_api.h>

#include <atomic>
#include <string>

namespace kine {

namespace {

std::atomic<int64_t> pinned{0};

}  // namespace

PinnedBuffer::PinnedBuffer(int64_t bytes) : size_(bytes) {
    if (bytes == 0) return;
    void* made = nullptr;
    const cudaError_t result = cudaMallocHost(&made, static_cast<size_t>(bytes));
    if (result != cudaSuccess) cudaGetLastError();  // it would stick to the next launch of this thread
    check_cuda(result, "pinned memory: " + std::to_string(bytes) + " bytes");
    memory_ = static_cast<std::byte*>(made);
    pinned += bytes;
}

PinnedBuffer::~PinnedBuffer() {
    if (memory_ == nullptr) return;
    cudaFreeHost(memory_);
    pinned -= size_;
}

int64_t PinnedBuffer::in_use() { return pinned; }

}  // namespace kine
