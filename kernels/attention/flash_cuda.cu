// Entry of attention between many tokens: picks the head size and launches it.
#include "kernels/attention/flash_cuda.h"

#include "kernels/attention/flash.cuh"
#include "kernels/cuda/launch.cuh"

namespace kine::kernels::cuda {

namespace {

template <int kHeadSize, class T>
__global__ void __launch_bounds__(kFlashThreads) flash_kernel(const FlashArguments<T> all) {
    extern __shared__ uint4 shared[];
    flash_block<kHeadSize>(all, reinterpret_cast<T*>(shared));
}

template <class T>
auto kernel_for(int head_size) {
    switch (head_size) {
        case 32:
            return flash_kernel<32, T>;
        case 64:
            return flash_kernel<64, T>;
        case 72:
            return flash_kernel<72, T>;
        case 80:
            return flash_kernel<80, T>;
        case 96:
            return flash_kernel<96, T>;
        default:
            return flash_kernel<128, T>;
    }
}

template <class T>
void launch(const FlashArguments<T>& all, int head_size, Stream stream) {
    start(kernel_for<T>(head_size), flash_launch(all.outer * all.inner, all.heads, all.queries, head_size), all,
          stream);
}

}  // namespace

void launch_flash(const FlashArguments<BFloat16>& all, int head_size, Stream stream) { launch(all, head_size, stream); }
void launch_flash(const FlashArguments<Float16>& all, int head_size, Stream stream) { launch(all, head_size, stream); }

}  // namespace kine::kernels::cuda
