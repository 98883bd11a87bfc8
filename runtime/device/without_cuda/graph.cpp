// graph.h in a build without CUDA: nothing of it can be made.
#include "runtime/device/cuda/graph.h"

#include "runtime/error.h"

namespace kine {

CudaGraph::CudaGraph(Device, const std::function<void(Stream)>&) { fail(ErrorCode::Device, "this build has no CUDA"); }
CudaGraph::~CudaGraph() = default;
void CudaGraph::launch(Stream) const { fail(ErrorCode::Device, "this build has no CUDA"); }

}  // namespace kine
