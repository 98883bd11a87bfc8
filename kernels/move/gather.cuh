// Rows of a table by number.
#pragma once

#include "kernels/cuda/intrinsics.cuh"
#include "kernels/move/gather_launch.h"

namespace kine::kernels::cuda {

/// What one block does.
__device__ inline void gather_block(const GatherArguments& work) {
    const int64_t items = work.row_bytes / 2;
    const auto* from = reinterpret_cast<const uint16_t*>(work.table) + work.ids[block_x()] * items;
    auto* to = reinterpret_cast<uint16_t*>(work.out) + block_x() * items;
    for (int64_t i = thread_in_block(); i < items; i += kGatherThreads) to[i] = from[i];
}

}  // namespace kine::kernels::cuda
