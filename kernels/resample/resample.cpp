#include "kernels/resample/resample.h"

#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/strided.h"
#include "kernels/resample/resample_host.h"

namespace kine::kernels {

Tensor upsample_nearest_2x(const Context& context, const Tensor& x) {
    check_rank("upsample_nearest_2x", "x", x, 4);
    check_contiguous("upsample_nearest_2x", "x", x);
    Tensor out = Tensor::empty(context, {x.dim(0), 2 * x.dim(1), 2 * x.dim(2), x.dim(3)}, x.dtype());
    on_device(
        context, "upsample_nearest_2x", [&] { upsample_nearest_2x_host(context, x, out); },
        [&] {  // [N, Y, 2, X, 2, C] from what is shared along the axes of 2
            cuda::run_copy(context, x.unsqueeze(2).unsqueeze(4), out.split(1, x.dim(1)).split(3, x.dim(2)));
        });
    return out;
}

Tensor to_channels_last(const Context& context, const Tensor& x, DType dtype) {
    check_rank("to_channels_last", "x", x, 4);
    check_floating("to_channels_last", "x", x);
    Tensor out = Tensor::empty(context, {x.dim(0), x.dim(2), x.dim(3), x.dim(1)}, dtype);
    on_device(
        context, "to_channels_last", [&] { to_channels_last_host(context, x, out); },
        [&] { cuda::run_copy(context, x.transpose(1, 2).transpose(2, 3), out); });
    return out;
}

Tensor to_channels_first(const Context& context, const Tensor& x) {
    check_rank("to_channels_first", "x", x, 4);
    check_floating("to_channels_first", "x", x);
    check_contiguous("to_channels_first", "x", x);
    Tensor out = Tensor::empty(context, {x.dim(0), x.dim(3), x.dim(1), x.dim(2)}, DType::Float32);
    on_device(
        context, "to_channels_first", [&] { to_channels_first_host(context, x, out); },
        [&] { cuda::run_copy(context, x.transpose(2, 3).transpose(1, 2), out); });
    return out;
}

}  // namespace kine::kernels
