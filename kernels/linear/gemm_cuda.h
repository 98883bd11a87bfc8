// Launch of a product.
#pragma once

#include "kernels/linear/gemm_launch.h"
#include "runtime/device/stream.h"

namespace kine::kernels::cuda {

/// ErrorCode::Device where cuBLASLt cannot be opened or does not know such a product. The same product gets the same
/// algorithm as long as the process lives, so the same bits.
void launch_gemm(const GemmArguments& gemm, Stream stream);

}  // namespace kine::kernels::cuda
