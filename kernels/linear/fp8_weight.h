// A weight for products of e4m3 on a GPU (Micikevicius et al. 2022, arXiv 2209.05433): one scale for each output
// channel. Made once, on the host.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

/// value[n, k] = e4m3[n, k] * scales[n]; the largest of a row becomes 448.
struct Fp8Weight {
    Tensor values;  ///< u8 [N, K]: the bits
    Tensor scales;  ///< f32 [N]
};

/// Whether cuBLASLt multiplies a weight [N, K] so: both are multiples of 16.
bool fits_fp8(const Shape& weight);

/// Of a weight bf16 [N, K] of the host. Imagined gives imagined.
Fp8Weight to_fp8(const Context& host, const Tensor& weight);
/// bf16 [N, K]: what is left of it.
Tensor from_fp8(const Context& host, const Fp8Weight& weight);

}  // namespace kine::kernels
