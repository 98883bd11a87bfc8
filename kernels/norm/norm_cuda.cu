// Entry of the fused norm: picks the instance and launches it.
#include "kernels/norm/norm_cuda.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/norm/norm.cuh"

namespace kine::kernels::cuda {

namespace {

template <class T, int kWarps, bool kByWords>
__global__ void __launch_bounds__(norm_threads(kWarps)) norm_kernel(const NormArguments<T> norm) {
    extern __shared__ float scratch[];
    norm_block<T, kWarps, kByWords>(norm, scratch);
}

template <class T>
auto kernel_for(const NormArguments<T>& norm) {
    const int warps = norm_warps(norm.width, norm.by_words);
    switch (warps) {
        case 1:
            return norm.by_words ? norm_kernel<T, 1, true> : norm_kernel<T, 1, false>;
        case 2:
            return norm_kernel<T, 2, true>;
        case 4:
            return norm_kernel<T, 4, true>;
        case 8:
            return norm.by_words ? norm_kernel<T, 8, true> : norm_kernel<T, 8, false>;
        default:
            return norm.by_words ? norm_kernel<T, kNormMostWarps, true> : norm_kernel<T, kNormMostWarps, false>;
    }
}

template <class T>
void launch(const NormArguments<T>& norm, Stream stream) {
    start(kernel_for(norm), norm_launch(norm.rows, norm.width, norm.by_words), norm, stream);
}

}  // namespace

void launch_norm(const NormArguments<float>& norm, Stream stream) { launch(norm, stream); }
void launch_norm(const NormArguments<BFloat16>& norm, Stream stream) { launch(norm, stream); }
void launch_norm(const NormArguments<Float16>& norm, Stream stream) { launch(norm, stream); }

}  // namespace kine::kernels::cuda
