// Entry of the conversion to pictures that encoders want.
#include "kernels/color/yuv420_cuda.h"

#include "kernels/color/yuv420.cuh"
#include "kernels/cuda/launch.cuh"

namespace kine::kernels::cuda {

namespace {

template <class T>
__global__ void __launch_bounds__(kYuvThreads) yuv420_kernel(const Yuv420Arguments<T> picture) {
    yuv420_block(picture);
}

template <class T>
void launch(const Yuv420Arguments<T>& picture, Stream stream) {
    start(yuv420_kernel<T>, yuv420_launch(picture.count, picture.height, picture.width), picture, stream);
}

}  // namespace

void launch_yuv420(const Yuv420Arguments<float>& picture, Stream stream) { launch(picture, stream); }
void launch_yuv420(const Yuv420Arguments<BFloat16>& picture, Stream stream) { launch(picture, stream); }
void launch_yuv420(const Yuv420Arguments<Float16>& picture, Stream stream) { launch(picture, stream); }

}  // namespace kine::kernels::cuda
