// A product on a GPU: what it is asked. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/scratch.h"
#include "runtime/tensor/dtype.h"

#include <cstddef>
#include <cstdint>

namespace kine::kernels::cuda {

/// out [rows, columns] = rows of x [rows, depth] times weight [columns, depth] transposed, plus bias [columns], perhaps
/// through GELU (tanh), or plus a residual like out. All of one dtype, f32, bf16 or f16, sums in f32; only x may have a
/// stride from row to row. With scales, x and weight are e4m3: element times its row's scale.
struct GemmArguments {
    const std::byte* x = nullptr;
    const std::byte* weight = nullptr;
    const std::byte* bias = nullptr;      ///< null: none
    const std::byte* residual = nullptr;  ///< null: none; not with GELU
    std::byte* out = nullptr;
    std::byte* workspace = nullptr;  ///< kDeviceProductBytes
    DType dtype = DType::Float32;
    int64_t rows = 0;
    int64_t columns = 0;
    int64_t depth = 0;
    int64_t x_stride = 0;  ///< elements
    bool has_gelu = false;
    bool rounds_to_tf32 = false;           ///< f32: products of operands with ten bits of mantissa
    const float* x_scales = nullptr;       ///< [rows], or null like the other
    const float* weight_scales = nullptr;  ///< [columns]
};

}  // namespace kine::kernels::cuda
