// Small vector arguments (gates, scales, weights of norms) as f32 rows, whatever dtype and row stride they came in.
#pragma once

#include "kernels/host/visit.h"
#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

/// [B, C] or [C] of a floating dtype, any strides -> f32 [B, C] or [1, C], contiguous.
inline Tensor float_rows(const Context& context, const Tensor& table) {
    const Tensor rows = table.rank() == 1 ? table.unsqueeze(0) : table;
    Tensor result = Tensor::empty(context, {rows.dim(0), rows.dim(1)}, DType::Float32);
    float* to = result.data<float>();
    visit_floating(rows.dtype(), [&]<class T>(T) {
        const T* from = rows.data<T>();
        for (int64_t row = 0; row < rows.dim(0); ++row) {
            for (int64_t column = 0; column < rows.dim(1); ++column)
                *to++ = from[row * rows.stride(0) + column * rows.stride(1)];
        }
    });
    return result;
}

}  // namespace kine::kernels
