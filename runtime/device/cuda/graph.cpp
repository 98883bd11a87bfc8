#include "runtime/device/cuda/graph.h"

#include "runtime/device/cuda/check.h"
#include "runtime/device/cuda/stream.h"

#include <cuda_runtime_api.h>

namespace kine {

namespace {

cudaStream_t of(Stream stream) { return static_cast<cudaStream_t>(stream.handle); }

/// Of this thread alone: what others ask of CUDA meanwhile is none of the graph's business.
cudaGraph_t record(Stream stream, const std::function<void(Stream)>& enqueue) {
    check_cuda(cudaStreamBeginCapture(of(stream), cudaStreamCaptureModeThreadLocal), "recording a graph");
    cudaGraph_t recorded = nullptr;
    try {
        enqueue(stream);
    } catch (...) {
        cudaStreamEndCapture(of(stream), &recorded);
        if (recorded != nullptr) cudaGraphDestroy(recorded);
        cudaGetLastError();  // it would stick to the next launch of this thread
        throw;
    }
    const cudaError_t result = cudaStreamEndCapture(of(stream), &recorded);
    if (result != cudaSuccess) cudaGetLastError();
    check_cuda(result, "recording a graph");
    return recorded;
}

}  // namespace

CudaGraph::CudaGraph(Device device, const std::function<void(Stream)>& enqueue) {
    CudaStream stream(device);
    GraphRecording recording;
    cudaGraph_t recorded = record(stream.get(), enqueue);
    held_ = recording.take_held();
    cudaGraphExec_t made = nullptr;
    const cudaError_t result = cudaGraphInstantiate(&made, recorded, 0);
    cudaGraphDestroy(recorded);
    if (result != cudaSuccess) cudaGetLastError();
    check_cuda(result, "making a graph");
    handle_ = made;
}

CudaGraph::~CudaGraph() { cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(handle_)); }

void CudaGraph::launch(Stream stream) const {
    check_cuda(cudaGraphLaunch(static_cast<cudaGraphExec_t>(handle_), of(stream)), "launching a graph");
}

}  // namespace kine
