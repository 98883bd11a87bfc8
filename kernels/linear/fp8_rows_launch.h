// Rows as e4m3 with a scale each: what it is asked on a GPU. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"
#include "runtime/tensor/dtype.h"

#include <cstddef>

namespace kine::kernels::cuda {

/// values[row, i] = x[row, i] / scales[row], where the row's largest becomes 448. A row of zeros has the scale 1; one
/// that is not finite has NaN, so that what is made of it shows.
struct Fp8RowsArguments {
    const BFloat16* x = nullptr;
    Float8E4M3* values = nullptr;  ///< [rows, width] contiguous
    float* scales = nullptr;       ///< [rows]
    int64_t rows = 0;
    int64_t stride = 0;  ///< elements from row to row of x
    int width = 0;
    bool by_words = false;  ///< rows of x begin at multiples of 16 bytes, width is a multiple of eight
};

/// What a row's values are divided by, and multiplied with to do so.
struct Fp8Scale {
    float scale = 1.0f;
    float inverse = 0.0f;
};

/// Of a row whose largest magnitude this is. Where 448 over it would be infinite the row counts as zeros: no sum
/// notices it.
constexpr Fp8Scale fp8_scale(float largest) {
    constexpr float kSmallest = 1e-30f;
    if (largest < kSmallest) return {};
    return {largest / Float8E4M3::kLargest, Float8E4M3::kLargest / largest};
}

inline constexpr int kFp8RowsPerBlock = 4;

/// A warp a row.
constexpr Launch fp8_rows_launch(int64_t rows) {
    return {divide_up(rows, kFp8RowsPerBlock), 1, kFp8RowsPerBlock * kWarp, 0};
}

}  // namespace kine::kernels::cuda
