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

}  // namespace

void launch_squares(const SquaresArguments& work, Stream stream) {
    const auto kernel = work.dtype == DType::Float32 ? squares_kernel<float> : squares_kernel<BFloat16>;
    start(kernel, squares_launch(work.rows), work, stream);
}

}  // namespace kine::kernels::cuda
