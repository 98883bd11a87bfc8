// What the fused norm is asked to do, and how it is spread over a GPU. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"

namespace kine::kernels::cuda {

/// sum = x + gate * y, then out = norm(sum) * weight + bias, then out * (1 + scale) + shift. Everything but x and out
/// may be absent: without y there is no sum, without gate it is x + y.
template <class T>
struct NormArguments {
    const T* x = nullptr;
    const T* y = nullptr;
    T* sum = nullptr;  ///< may be x itself
    T* out = nullptr;
    RowTable gate, weight, bias, scale, shift;
    int64_t rows = 0;
    RowPlaces places;  ///< of the rows of x, y, sum and out alike
    int width = 0;
    float eps = 0.0f;
    bool subtracts_mean = true;  ///< LayerNorm, else RMS
    /// Rows of all tensors and tables begin at multiples of 16 bytes, and width is a multiple of eight.
    bool by_words = false;
};

inline constexpr int kNormChunks = 3;        ///< 24 values of a row stay in a lane's registers from load to store
inline constexpr int kNormRowsPerBlock = 4;  ///< of rows that one warp can hold
inline constexpr int kNormUsualWarps = 8;    ///< that rows of known models need at most: 6,144 channels
inline constexpr int kNormMostWarps = 32;    ///< of a block
inline constexpr int kNormWidest = kNormMostWarps * kWarp * kNormChunks * kChunk;

/// Warps that share a row: 1, 2, 4, 8 or 32; 0 where it is wider than kNormWidest. Wider rows than usual are rare;
/// those that cannot be moved by words too, and slow anyhow: they take 1, 8 or 32, which spares instances of a long
/// kernel.
constexpr int norm_warps(int64_t width, bool by_words) {
    if (width > kNormWidest) return 0;
    const int warps = power_of_two_above(static_cast<int>(divide_up(width, kWarp * kNormChunks * kChunk)));
    if (warps > kNormUsualWarps) return kNormMostWarps;
    return by_words || warps == 1 ? warps : kNormUsualWarps;
}

constexpr int norm_threads(int warps) { return warps == 1 ? kNormRowsPerBlock * kWarp : warps * kWarp; }

/// One warp a row and four rows a block; rows that need several warps have a block of their own.
constexpr Launch norm_launch(int64_t rows, int64_t width, bool by_words) {
    const int warps = norm_warps(width, by_words);
    if (warps == 1) return {divide_up(rows, kNormRowsPerBlock), 1, norm_threads(warps), 0};
    return {rows, 1, norm_threads(warps), warps * static_cast<int>(sizeof(float))};
}

}  // namespace kine::kernels::cuda
