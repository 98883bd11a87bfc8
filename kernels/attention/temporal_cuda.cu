// Entry of attention between few tokens: picks the head size and launches it.
#include "kernels/attention/temporal_cuda.h"

#include "kernels/attention/temporal.cuh"
#include "kernels/cuda/launch.cuh"

namespace kine::kernels::cuda {

namespace {

template <int kHeadSize, class T>
__global__ void __launch_bounds__(kMostTemporalThreads) temporal_kernel(const TemporalArguments<T> all) {
    extern __shared__ uint4 shared[];
    temporal_block<kHeadSize>(all, reinterpret_cast<T*>(shared));
}

template <class T>
auto kernel_for(int head_size) {
    switch (head_size) {
        case 32:
            return temporal_kernel<32, T>;
        case 64:
            return temporal_kernel<64, T>;
        case 72:
            return temporal_kernel<72, T>;
        case 96:
            return temporal_kernel<96, T>;
        default:
            return temporal_kernel<128, T>;
    }
}

template <class T>
void launch(const TemporalArguments<T>& all, int head_size, Stream stream) {
    start(kernel_for<T>(head_size), temporal_launch(all.outer * all.inner, all.heads, all.keys, head_size), all,
          stream);
}

}  // namespace

void launch_temporal(const TemporalArguments<BFloat16>& all, int head_size, Stream stream) {
    launch(all, head_size, stream);
}
void launch_temporal(const TemporalArguments<Float16>& all, int head_size, Stream stream) {
    launch(all, head_size, stream);
}

}  // namespace kine::kernels::cuda
