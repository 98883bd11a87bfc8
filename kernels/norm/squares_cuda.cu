// Entry of the sums of squares of rows.
#include "kernels/norm/squares_cuda.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/norm/squares.cuh"

namespace kine::kernels::cuda {

namespace {

template <class T>
__global__ void __launch_bounds__(kSquaresRowsPerBlock* kWarp) squares_kernel(const SquaresArguments work) {
    squares_block<T>(work);
}

auto kernel_for(DType dtype) {
    if (dtype == DType::Float32) return squares_kernel<float>;
    return dtype == DType::BFloat16 ? squares_kernel<BFloat16> : squares_kernel<Float16>;
}

}  // namespace

void launch_squares(const SquaresArguments& work, Stream stream) {
    start(kernel_for(work.dtype), squares_launch(work.rows), work, stream);
}

}  // namespace kine::kernels::cuda
