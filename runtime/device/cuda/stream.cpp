#include "runtime/device/cuda/stream.h"

#include "runtime/device/cuda/check.h"

#include <cuda_runtime_api.h>

namespace kine {

namespace {

cudaStream_t of(Stream stream) { return static_cast<cudaStream_t>(stream.handle); }
cudaEvent_t of(void* event) { return static_cast<cudaEvent_t>(event); }

}  // namespace

CudaStream::CudaStream(Device device) : device_(device) {
    use_device(device);
    cudaStream_t made = nullptr;
    check_cuda(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), "a queue of " + to_string(device));
    stream_.handle = made;
}

CudaStream::~CudaStream() { cudaStreamDestroy(of(stream_)); }

void CudaStream::synchronize() { check_cuda(cudaStreamSynchronize(of(stream_)), "work on " + to_string(device_)); }

CudaEvent::CudaEvent(Device device) {
    use_device(device);
    cudaEvent_t made = nullptr;
    check_cuda(cudaEventCreate(&made), "an event of " + to_string(device));
    handle_ = made;
}

CudaEvent::~CudaEvent() { cudaEventDestroy(of(handle_)); }

void CudaEvent::record(Stream stream) { check_cuda(cudaEventRecord(of(handle_), of(stream)), "recording an event"); }

void CudaEvent::hold(Stream stream) const {
    check_cuda(cudaStreamWaitEvent(of(stream), of(handle_), 0), "waiting for an event");
}

void CudaEvent::synchronize() const { check_cuda(cudaEventSynchronize(of(handle_)), "waiting for an event"); }

bool CudaEvent::is_done() const {
    const cudaError_t state = cudaEventQuery(of(handle_));
    if (state == cudaErrorNotReady) return false;
    check_cuda(state, "asking an event");
    return true;
}

float CudaEvent::since(const CudaEvent& earlier) const {
    float milliseconds = 0.0f;
    check_cuda(cudaEventElapsedTime(&milliseconds, of(earlier.handle_), of(handle_)), "timing by events");
    return milliseconds;
}

}  // namespace kine
