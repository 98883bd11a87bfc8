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

}  // namespace

void launch_find_not_finite(const FiniteArguments& work, Stream stream) {
    const auto kernel = work.dtype == DType::Float32 ? finite_kernel<float> : finite_kernel<BFloat16>;
    start(kernel, finite_launch(work.count), work, stream);
}

}  // namespace kine::kernels::cuda
