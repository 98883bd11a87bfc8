// Entries of writing out windows.
#include "kernels/conv/windows_cuda.h"

#include "kernels/conv/windows.cuh"
#include "kernels/cuda/launch.cuh"

namespace kine::kernels::cuda {

namespace {

template <class T>
__global__ void __launch_bounds__(kWindowThreads) window_kernel(const WindowArguments<T> work) {
    window_block(work);
}

template <class T>
void launch(const WindowArguments<T>& work, Stream stream) {
    start(window_kernel<T>, window_launch(work.rows, work.pixels(), work.channels), work, stream);
}

}  // namespace

void launch_windows(const WindowArguments<float>& work, Stream stream) { launch(work, stream); }
void launch_windows(const WindowArguments<BFloat16>& work, Stream stream) { launch(work, stream); }
void launch_windows(const WindowArguments<Float16>& work, Stream stream) { launch(work, stream); }

}  // namespace kine::kernels::cuda
