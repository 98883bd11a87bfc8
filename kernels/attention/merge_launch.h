// Two parts of an attention made one: what it is asked on a GPU. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"

namespace kine::kernels::cuda {

/// Values [rows, head_size] and the logs of the sums of exponentials [rows], contiguous; the part goes into the sum.
struct MergeArguments {
    float* sum = nullptr;
    float* sum_logs = nullptr;
    const float* part = nullptr;
    const float* part_logs = nullptr;
    int64_t rows = 0;
    int64_t head_size = 0;
};

inline constexpr int kMergeRowsPerBlock = 4;

/// A warp a row.
constexpr Launch merge_launch(int64_t rows) {
    return {divide_up(rows, kMergeRowsPerBlock), 1, kMergeRowsPerBlock * kWarp, 0};
}

}  // namespace kine::kernels::cuda
