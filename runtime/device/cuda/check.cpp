#include "runtime/device/cuda/check.h"

#include "runtime/error.h"

#include <cuda_runtime_api.h>

namespace kine {

void check_cuda(int result, std::string_view what, std::source_location where) {
    if (result == cudaSuccess) return;
    const auto error = static_cast<cudaError_t>(result);
    const ErrorCode code = error == cudaErrorMemoryAllocation ? ErrorCode::DoesNotFit : ErrorCode::Device;
    throw Error(code, fmt::format("{}: {} ({})", what, cudaGetErrorString(error), cudaGetErrorName(error)), where);
}

}  // namespace kine
