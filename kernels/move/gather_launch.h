// Rows of a table by number: what it is asked on a GPU. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"

#include <cstddef>

namespace kine::kernels::cuda {

/// Row i of `out` is row ids[i] of `table`; both contiguous.
struct GatherArguments {
    const std::byte* table = nullptr;
    const int64_t* ids = nullptr;
    std::byte* out = nullptr;
    int64_t rows = 0;
    int64_t row_bytes = 0;  ///< even
};

inline constexpr int kGatherThreads = 128;

/// A block a row.
constexpr Launch gather_launch(int64_t rows) { return {rows, 1, kGatherThreads, 0}; }

}  // namespace kine::kernels::cuda
