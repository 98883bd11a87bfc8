#include "runtime/device/cuda/pool.h"

#include "runtime/device/cuda/check.h"
#include "runtime/device/graph_recording.h"

#include <cuda_runtime_api.h>

namespace kine {

namespace {

constexpr int64_t kAlignment = 256;  // CUDA's own, so that counted bytes are those that are taken

int64_t rounded(int64_t bytes) { return std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment); }

cudaMemPool_t of(void* pool) { return static_cast<cudaMemPool_t>(pool); }

cudaMemPool_t make_pool(Device device) {
    cudaMemPoolProps properties = {};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location = {};
    properties.location.type = cudaMemLocationTypeDevice;
    properties.location.id = device.index;
    cudaMemPool_t pool = nullptr;
    check_cuda(cudaMemPoolCreate(&pool, &properties), "the memory pool of " + to_string(device));
    return pool;
}

}  // namespace

CudaPool::CudaPool(Device device, Stream stream) : device_(device), stream_(stream), pool_(make_pool(device)) {
    uint64_t kept = UINT64_MAX;  // nothing goes back at a synchronisation: the next step wants the same blocks
    check_cuda(cudaMemPoolSetAttribute(of(pool_), cudaMemPoolAttrReleaseThreshold, &kept), "the memory pool");
}

CudaPool::~CudaPool() { cudaMemPoolDestroy(of(pool_)); }

void* CudaPool::allocate(int64_t bytes) {
    check(bytes >= 0 && bytes < (int64_t{1} << 62), ErrorCode::DoesNotFit, "allocation of {} bytes", bytes);
    GraphRecording::refuse("an allocation from the pool");  // its queue is not the recorded one
    const int64_t size = rounded(bytes);
    ledger_.take(size, "--max-vram");
    void* memory = nullptr;
    const cudaError_t result = cudaMallocFromPoolAsync(&memory, static_cast<size_t>(size), of(pool_),
                                                       static_cast<cudaStream_t>(stream_.handle));
    if (result != cudaSuccess) {
        ledger_.give(size);
        cudaGetLastError();  // it would stick to the next launch of this thread
    }
    check_cuda(result,
               fmt::format("allocation of {} bytes on {}, {} in use", size, to_string(device_), ledger_.in_use()));
    return memory;
}

void CudaPool::release(void* memory, int64_t bytes) noexcept {
    cudaFreeAsync(memory, static_cast<cudaStream_t>(stream_.handle));
    ledger_.give(rounded(bytes));
}

void CudaPool::let_in(Device other) {
    int can = 0;
    check_cuda(cudaDeviceCanAccessPeer(&can, other.index, device_.index), "access of " + to_string(other));
    if (can == 0) return;  // NCCL then goes over the host
    cudaMemAccessDesc access = {};
    access.location.type = cudaMemLocationTypeDevice;
    access.location.id = other.index;
    access.flags = cudaMemAccessFlagsProtReadWrite;
    check_cuda(cudaMemPoolSetAccess(of(pool_), &access, 1), "access of " + to_string(other));
}

void CudaPool::trim() {
    check_cuda(cudaStreamSynchronize(static_cast<cudaStream_t>(stream_.handle)), "work on " + to_string(device_));
    check_cuda(cudaMemPoolTrimTo(of(pool_), 0), "the memory pool");
}

}  // namespace kine
