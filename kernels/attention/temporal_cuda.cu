// Entry of attention between few tokens: picks the head size and launches it.
#include "kernels/attention/temporal_cuda.h"

#include "kernels/attention/temporal.cuh"
#include "kernels/cuda/launch.cuh"

namespace kine::kernels::cuda {

namespace {

template <int kHeadSize>
__global__ void __launch_bounds__(kMostTemporalThreads) temporal_kernel(const TemporalArguments all) {
    extern __shared__ uint4 shared[];
    temporal_block<kHeadSize>(all, reinterpret_cast<BFloat16*>(shared));
}

auto kernel_for(int head_size) {
    switch (head_size) {
        case 32:
            return temporal_kernel<32>;
        case 64:
            return temporal_kernel<64>;
        case 72:
            return temporal_kernel<72>;
        case 96:
            return temporal_kernel<96>;
        default:
            return temporal_kernel<128>;
    }
}

}  // namespace

void launch_temporal(const TemporalArguments& all, int head_size, Stream stream) {
    start(kernel_for(head_size), temporal_launch(all.outer * all.inner, all.heads, all.keys, head_size), all, stream);
}

}  // namespace kine::kernels::cuda
