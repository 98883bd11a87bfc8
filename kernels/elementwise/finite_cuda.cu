// Entry of the search for values that are not finite.
#include "kernels/elementwise/finite_cuda.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/elementwise/finite.cuh"

namespace kine::kernels::cuda {

namespace {

template <class T>
__global__ void __launch_bounds__(kFiniteThreads) finite_kernel(const FiniteArguments work) {
    finite_block<T>(work);
}

auto kernel_for(DType dtype) {
    if (dtype == DType::Float32) return finite_kernel<float>;
    return dtype == DType::BFloat16 ? finite_kernel<BFloat16> : finite_kernel<Float16>;
}

}  // namespace

void launch_find_not_finite(const FiniteArguments& work, Stream stream) {
    start(kernel_for(work.dtype), finite_launch(work.count), work, stream);
}

}  // namespace kine::kernels::cuda
