// Entry of attention between many tokens: picks the head size and launches it.
#include "kernels/attention/flash_cuda.h"

#include "kernels/attention/flash.cuh"
#include "kernels/cuda/launch.cuh"

namespace kine::kernels::cuda {

namespace {

template <int kHeadSize>
__global__ void __launch_bounds__(kFlashThreads) flash_kernel(const FlashArguments all) {
    extern __shared__ uint4 shared[];
    flash_block<kHeadSize>(all, reinterpret_cast<BFloat16*>(shared));
}

auto kernel_for(int head_size) {
    switch (head_size) {
        case 32:
            return flash_kernel<32>;
        case 64:
            return flash_kernel<64>;
        case 72:
            return flash_kernel<72>;
        case 80:
            return flash_kernel<80>;
        case 96:
            return flash_kernel<96>;
        default:
            return flash_kernel<128>;
    }
}

}  // namespace

void launch_flash(const FlashArguments& all, int head_size, Stream stream) {
    start(kernel_for(head_size), flash_launch(all.outer * all.inner, all.heads, all.queries, head_size), all, stream);
}

}  // namespace kine::kernels::cuda
