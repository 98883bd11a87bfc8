// Work of a GPU that is enqueued once and launched as often as wanted, for a fraction of the cost (CUDA programming
// guide, CUDA Graphs). Builds without CUDA refuse (without_cuda/), tests of dispatch have their own.
#pragma once

#include "runtime/device/cuda/commands.h"
#include "runtime/device/graph_recording.h"

#include <functional>

namespace kine {

/// Launched by one thread at a time.
class CudaGraph {
  public:
    /// What `enqueue` puts into the queue that it is given, which is not done now. It may not wait for the GPU nor
    /// allocate from a pool: ErrorCode::Device. What it throws is passed on.
    CudaGraph(Device device, const std::function<void(Stream)>& enqueue);
    ~CudaGraph();
    CudaGraph(const CudaGraph&) = delete;
    CudaGraph& operator=(const CudaGraph&) = delete;

    /// Does the work, on the memory that it was enqueued with, in the order of `stream`.
    void launch(Stream stream) const;

  private:
    void* handle_ = nullptr;
    GraphRecording::Held held_;
};

}  // namespace kine
