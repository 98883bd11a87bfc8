#include "kernels/color/color.h"

#include "kernels/check.h"
#include "kernels/color/color_device.h"
#include "kernels/color/color_host.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/elementwise.h"

namespace kine::kernels {

Tensor to_frames(const Context& context, const Tensor& pictures, PixelFormat format) {
    check_rank("to_frames", "pictures", pictures, 4);
    check_last_dim("to_frames", "pictures", pictures, 3);
    check_floating("to_frames", "pictures", pictures);
    check_contiguous("to_frames", "pictures", pictures);
    check(format != PixelFormat::Yuv444p, ErrorCode::Bug, "to_frames: {} frames, expected {} or {}", name_of(format),
          name_of(PixelFormat::Rgb24), name_of(PixelFormat::Yuv420p));
    const auto height = static_cast<int>(pictures.dim(1)), width = static_cast<int>(pictures.dim(2));
    const Shape shape = {pictures.dim(0), frame_bytes(format, width, height)};
    if (format == PixelFormat::Rgb24) return quantize_rgb(context, pictures).reshape(shape);
    Tensor out = Tensor::empty(context, shape, DType::UInt8);
    on_device(
        context, "yuv420", [&] { to_yuv420_host(context, pictures, out); },
        [&] { to_yuv420_device(context, pictures, out); });
    return out;
}

}  // namespace kine::kernels
