// Decoded pictures as frames: the bytes that leave the device, as few as whoever takes them can do with.
#pragma once

#include "runtime/context.h"
#include "runtime/frame/frame.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

/// Pictures [F, Y, X, 3] with values in [0, 1], f32, bf16 or f16 -> u8 [F, bytes of a frame], its planes one after the
/// other. Rgb24 is quantize_rgb of elementwise.h. Yuv420p is made of the values, not of those bytes: BT.709 in limited
/// range, chroma at the left pixel of a pair and between two rows. Nobody takes Yuv444p yet.
Tensor to_frames(const Context& context, const Tensor& pictures, PixelFormat format);

}  // namespace kine::kernels
