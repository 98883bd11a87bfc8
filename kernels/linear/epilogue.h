// What happens to a tile of f32 sums while it is hot: bias, activation, a residual, one rounding to the dtype of the
// result.
#pragma once

#include "kernels/host/visit.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/rows.h"

namespace kine::kernels {

struct Epilogue {
    const float* bias = nullptr;  ///< [N]
    Activation activation = Activation::None;
    Tensor* out = nullptr;             ///< [M, N], contiguous
    const Tensor* residual = nullptr;  ///< like out, where nothing is activated or quantised; null: none
};

/// Writes sums (row 0, column 0 of the tile is rows.begin, columns.begin of the result).
void finish_tile(const Epilogue& epilogue, const float* sums, int64_t stride, Range rows, Range columns);
/// With AVX-512.
void finish_tile_wide(const Epilogue& epilogue, const float* sums, int64_t stride, Range rows, Range columns);

/// Whole sums of products of quantised values, and the scales that make values of them.
struct ScaledSums {
    const int32_t* data;
    int64_t stride;
    const float* row_scales;     ///< of the tile's first row on
    const float* column_scales;  ///< of the result's first column on
};

/// Writes sums x row's scale x column's scale, as above.
void finish_tile(const Epilogue& epilogue, const ScaledSums& sums, Range rows, Range columns);
void finish_tile_wide(const Epilogue& epilogue, const ScaledSums& sums, Range rows, Range columns);

/// Calls `use` with the function that `activation` names, a lambda over eight lanes.
template <class Use>
void with_activation(Activation activation, Use&& use) {
    switch (activation) {
        case Activation::None:
            return use([](Float8 v) { return v; });
        case Activation::GeluTanh:
            return use([](Float8 v) { return gelu_tanh(v); });
        case Activation::Silu:
            return use([](Float8 v) { return silu(v); });
    }
}

}  // namespace kine::kernels
