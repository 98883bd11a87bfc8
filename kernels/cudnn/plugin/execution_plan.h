// A graph of cuDNN's operations and the kernels that were chosen for it. Only in builds with cuDNN.
#pragma once

#include "kernels/cudnn/plugin/descriptor.h"
#include "runtime/tensor/dtype.h"

#include <string>

namespace kine::kernels::cudnn {

/// A place of the graph. `id` names it when pointers are handed over.
struct GraphTensor {
    int64_t id = 0;
    std::vector<int64_t> sizes;
    std::vector<int64_t> strides;  ///< in elements
    cudnnDataType_t dtype = CUDNN_DATA_FLOAT;
    bool is_virtual = false;   ///< between two operations, never in memory
    bool is_by_value = false;  ///< one number of the host's
};

Descriptor make_tensor(const GraphTensor& tensor);

/// Of bf16 or f16.
inline cudnnDataType_t type_of(DType dtype) { return dtype == DType::Float16 ? CUDNN_DATA_HALF : CUDNN_DATA_BFLOAT16; }

/// For whom plans are made: the GPU of a handle, or one that is only described, as JSON (driver and device need not be
/// there; plans then cannot run).
struct Target {
    cudnnHandle_t handle = nullptr;
    std::string device;
};

/// Immutable. Not every engine of cuDNN's lets two threads run one plan at a time.
class ExecutionPlan {
  public:
    /// The first of cuDNN's proposals that can be finished, gives the same bits each time and takes at most so many
    /// bytes beside the tensors. Throws ErrorCode::Unsupported with the reason of the last where there is none.
    ExecutionPlan(const Target& target, std::span<const Descriptor> operations, int64_t most_workspace);

    int64_t workspace_bytes() const { return workspace_bytes_; }
    /// What cuDNN says of the plan, as JSON: its engine and kernels.
    std::string description() const { return plan_.text(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION); }
    /// Enqueues the work to the stream of `handle`. Memory of the host where a place is by value.
    void run(cudnnHandle_t handle, std::span<const int64_t> ids, std::span<void* const> pointers,
             void* workspace) const;

  private:
    Descriptor plan_;
    int64_t workspace_bytes_ = 0;
};

}  // namespace kine::kernels::cudnn
