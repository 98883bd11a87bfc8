// Attention between many tokens: what it is asked on a GPU, and how it is spread over one. Plain C++: host, device and
// tests share it.
#pragma once

#include "kernels/attention/matrix_launch.h"

namespace kine::kernels::cuda {

template <class T>
struct FlashArguments : MatrixArguments<T> {
    const uint8_t* key_mask = nullptr;  ///< [B1, Lk] contiguous, or null; every query keeps a key
};

inline constexpr int kFlashWarps = 4;
inline constexpr int kFlashThreads = kFlashWarps * kWarp;
inline constexpr int kFlashQueries = kFlashWarps * kMatrixSide;  ///< of a block, sixteen a warp
inline constexpr int kFlashKeys = 64;                            ///< in shared memory at a time

constexpr bool flash_can_run(int64_t head_size) {
    return head_size == 32 || head_size == 64 || head_size == 72 || head_size == 80 || head_size == 96 ||
           head_size == 128;
}

/// Blocks of queries of one head follow one another, so that they find its keys in the L2.
constexpr Launch flash_launch(int64_t sites, int heads, int queries, int head_size) {
    const int bytes = 2 * kFlashKeys * shared_row(head_size) * kMatrixBytes;
    return {sites * heads * divide_up(queries, kFlashQueries), 1, kFlashThreads, bytes};
}

}  // namespace kine::kernels::cuda
