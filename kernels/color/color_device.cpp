#include "kernels/color/color_device.h"

#include "kernels/color/yuv420_cuda.h"
#include "kernels/host/visit.h"

namespace kine::kernels {

void to_yuv420_device(const Context& context, const Tensor& pictures, Tensor& frames) {
    if (pictures.elements() == 0) return;
    visit_on_device(pictures.dtype(), [&]<class T>(T) {
        const cuda::Yuv420Arguments<T> work = {pictures.address<const T>(), frames.address<uint8_t>(), pictures.dim(0),
                                               static_cast<int>(pictures.dim(1)), static_cast<int>(pictures.dim(2))};
        cuda::launch_yuv420(work, context.stream);
    });
}

}  // namespace kine::kernels
