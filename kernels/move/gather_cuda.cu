// Entry of the gathering of rows.
#include "kernels/move/gather_cuda.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/move/gather.cuh"

namespace kine::kernels::cuda {

namespace {

__global__ void __launch_bounds__(kGatherThreads) gather_kernel(const GatherArguments work) { gather_block(work); }

}  // namespace

void launch_gather(const GatherArguments& work, Stream stream) {
    start(gather_kernel, gather_launch(work.rows), work, stream);
}

}  // namespace kine::kernels::cuda
