// Sums of squares of rows: what it is asked on a GPU. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"
#include "runtime/tensor/dtype.h"

#include <cstddef>

namespace kine::kernels::cuda {

/// sums[row] = the squares of x's row, summed in f32.
struct SquaresArguments {
    const std::byte* x = nullptr;
    DType dtype = DType::Float32;  ///< f32, bf16 or f16
    float* sums = nullptr;
    int64_t rows = 0;
    RowPlaces places;
    int width = 0;
};

inline constexpr int kSquaresRowsPerBlock = 4;

/// A warp a row.
constexpr Launch squares_launch(int64_t rows) {
    return {divide_up(rows, kSquaresRowsPerBlock), 1, kSquaresRowsPerBlock * kWarp, 0};
}

}  // namespace kine::kernels::cuda
