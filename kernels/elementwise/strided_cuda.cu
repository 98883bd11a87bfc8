// Entry of arithmetic over views.
#include "kernels/elementwise/strided_cuda.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/elementwise/strided.cuh"

namespace kine::kernels::cuda {

namespace {

__global__ void __launch_bounds__(kStridedThreads) strided_kernel(const StridedArguments work) { strided_block(work); }

template <class Item>
__global__ void __launch_bounds__(kStridedThreads) strided_copy_kernel(const StridedArguments work) {
    strided_copy_block<Item>(work);
}

auto copy_kernel_for(int64_t bytes) {
    switch (bytes) {
        case 1:
            return strided_copy_kernel<uint8_t>;
        case 2:
            return strided_copy_kernel<uint16_t>;
        case 4:
            return strided_copy_kernel<uint32_t>;
        default:
            return strided_copy_kernel<uint64_t>;
    }
}

}  // namespace

void launch_strided(const StridedArguments& work, Stream stream) {
    start(strided_kernel, strided_launch(work.rows(), work.last()), work, stream);
}

void launch_strided_copy(const StridedArguments& work, int64_t bytes, Stream stream) {
    start(copy_kernel_for(bytes), strided_copy_launch(work.rows() * work.last()), work, stream);
}

}  // namespace kine::kernels::cuda
