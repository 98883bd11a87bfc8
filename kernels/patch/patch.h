// Latents to tokens and back.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

/// x [B, C, T, Y, X] -> [B, T, S, p*p*C], S = floor(Y/p) * floor(X/p), x fastest; the vector is (C, py, px), px
/// fastest, the order of a convolution weight [Co, C, p, p]. Rows and columns beyond a multiple of p are dropped.
/// `dtype` of the result.
Tensor patchify(const Context& context, const Tensor& x, int64_t patch, DType dtype);
/// tokens [B, T, S, p*p*C], the vector (py, px, C) with C fastest -> f32 [B, C, T, rows*p, columns*p], S = rows *
/// columns.
Tensor unpatchify(const Context& context, const Tensor& tokens, int64_t patch, int64_t rows, int64_t columns);

}  // namespace kine::kernels
