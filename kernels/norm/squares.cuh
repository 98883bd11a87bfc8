// Sums of squares of rows, which ranks that hold parts of a row add up.
#pragma once

#include "kernels/cuda/vec.cuh"
#include "kernels/cuda/warp.cuh"
#include "kernels/norm/squares_launch.h"

namespace kine::kernels::cuda {

template <class T>
__device__ void squares_block(const SquaresArguments& work) {
    const int64_t row = block_x() * kSquaresRowsPerBlock + warp_in_block();
    if (row >= work.rows) return;  // a whole warp
    const T* values = reinterpret_cast<const T*>(work.x) + work.places.at(row);
    float sum = 0.0f;
    for (int i = lane(); i < work.width; i += kWarp) sum += widen(values[i]) * widen(values[i]);
    sum = sum_over<kWarp>(sum);
    if (lane() == 0) work.sums[row] = sum;
}

}  // namespace kine::kernels::cuda
