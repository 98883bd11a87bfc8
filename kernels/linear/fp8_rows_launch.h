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

/// Rows whose largest is less count as zeros: 448 over it would be infinite, and no sum notices them.
inline constexpr float kFp8Smallest = 1e-30f;

inline constexpr int kFp8RowsPerBlock = 4;

/// A warp a row.
constexpr Launch fp8_rows_launch(int64_t rows) {
    return {divide_up(rows, kFp8RowsPerBlock), 1, kFp8RowsPerBlock * kWarp, 0};
}

}  // namespace kine::kernels::cuda
