// Entry of merging two parts of an attention.
#include "kernels/attention/merge_cuda.h"

#include "kernels/attention/merge.cuh"
#include "kernels/cuda/launch.cuh"

namespace kine::kernels::cuda {

namespace {

__global__ void __launch_bounds__(kMergeRowsPerBlock* kWarp) merge_kernel(const MergeArguments work) {
    merge_block(work);
}

}  // namespace

void launch_merge(const MergeArguments& work, Stream stream) {
    start(merge_kernel, merge_launch(work.rows), work, stream);
}

}  // namespace kine::kernels::cuda
