// Entry of group norm: its three kernels, one after the other.
#include "kernels/norm/group_norm_cuda.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/norm/group_norm.cuh"

namespace kine::kernels::cuda {

namespace {

template <class T>
__global__ void __launch_bounds__(kGroupNormThreads) moments_kernel(const GroupNormArguments<T> norm) {
    extern __shared__ float scratch[];
    group_moments_block(norm, scratch);
}

template <class T>
__global__ void __launch_bounds__(kWarp) merge_kernel(const GroupNormArguments<T> norm) {
    group_merge_block(norm);
}

template <class T, bool kHasSilu>
__global__ void __launch_bounds__(kGroupNormThreads) write_kernel(const GroupNormArguments<T> norm) {
    group_norm_block<T, kHasSilu>(norm);
}

template <class T>
void launch(const GroupNormArguments<T>& norm, Stream stream) {
    if (norm.positions == 0) return;
    const Launch runs = group_norm_launch(norm.pictures, norm.positions, norm.channels);
    start(moments_kernel<T>, runs, norm, stream);
    start(merge_kernel<T>, group_merge_launch(norm.pictures, norm.groups), norm, stream);
    start(norm.has_silu ? write_kernel<T, true> : write_kernel<T, false>, runs, norm, stream);
}

}  // namespace

void launch_group_norm(const GroupNormArguments<float>& norm, Stream stream) { launch(norm, stream); }
void launch_group_norm(const GroupNormArguments<BFloat16>& norm, Stream stream) { launch(norm, stream); }
void launch_group_norm(const GroupNormArguments<Float16>& norm, Stream stream) { launch(norm, stream); }

}  // namespace kine::kernels::cuda
