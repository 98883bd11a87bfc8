// Two parts of an attention made one (online softmax, Milakov and Gimelshein 2018).
#pragma once

#include "kernels/attention/merge_launch.h"
#include "kernels/cuda/warp.cuh"

namespace kine::kernels::cuda {

/// What one block does. Two empty sides stay empty, where the usual formula would give 0 / 0.
__device__ inline void merge_block(const MergeArguments& work) {
    const int64_t row = block_x() * kMergeRowsPerBlock + warp_in_block();
    if (row >= work.rows || work.part_logs[row] == -INFINITY) return;
    const float largest = fmaxf(work.sum_logs[row], work.part_logs[row]);
    const float own = natural_exp(work.sum_logs[row] - largest), other = natural_exp(work.part_logs[row] - largest);
    const float total = own + other;
    float* sum = work.sum + row * work.head_size;
    const float* part = work.part + row * work.head_size;
    for (int64_t i = lane(); i < work.head_size; i += kWarp) sum[i] = (own * sum[i] + other * part[i]) / total;
    sync_warp();  // until all have read the row's log
    if (lane() == 0) work.sum_logs[row] = largest + natural_log(total);
}

}  // namespace kine::kernels::cuda
