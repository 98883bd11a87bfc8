// What group norm is asked to do on a GPU, and how it is spread over one: three kernels, which take the moments of runs
// of positions, merge them, and write. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"

namespace kine::kernels::cuda {

/// Mean of some values and the sum of their squared distances from it; once merged, mean and 1 / standard deviation.
struct GroupMoments {
    float mean = 0.0f;
    float spread = 0.0f;
};

/// out = (x - mean) / sqrt(variance + eps) * weight + bias, then perhaps SiLU. Channels last: x and out [pictures,
/// positions, channels], contiguous; moments over all positions and the channels of each group.
template <class T>
struct GroupNormArguments {
    const T* x = nullptr;
    const float* weight = nullptr;    ///< [channels]
    const float* bias = nullptr;      ///< [channels]
    GroupMoments* parts = nullptr;    ///< scratch, [pictures, runs, groups]
    GroupMoments* moments = nullptr;  ///< scratch, [pictures, groups]
    T* out = nullptr;                 ///< may be x itself
    int64_t pictures = 0;
    int64_t positions = 0;
    int channels = 0;
    int groups = 1;
    float eps = 0.0f;
    bool has_silu = false;
    bool by_words = false;  ///< x, out and tables begin at multiples of 16 bytes, channels is a multiple of eight
};

inline constexpr int kGroupNormThreads = 256;
inline constexpr int kGroupNormWidest = kGroupNormThreads * kChunk;
inline constexpr int64_t kRunElements = 131072;  ///< of a run of positions, so that moments are few and blocks many

/// Threads side by side on a position, a chunk of channels each.
constexpr int group_norm_columns(int channels) { return static_cast<int>(divide_up(channels, kChunk)); }
/// Positions that a block reads at once; threads that are left over idle.
constexpr int group_norm_rows(int channels) { return kGroupNormThreads / group_norm_columns(channels); }
/// Positions whose moments one block takes; follows from the channels alone.
constexpr int64_t positions_in_run(int channels) { return divide_up(kRunElements, channels); }
constexpr int64_t runs_of(int64_t positions, int channels) { return divide_up(positions, positions_in_run(channels)); }

/// A block a run: of moments, and of writing. What `channels` may be: 1 to kGroupNormWidest.
constexpr Launch group_norm_launch(int64_t pictures, int64_t positions, int channels) {
    const int moments = 2 * group_norm_rows(channels) * group_norm_columns(channels) * kChunk;
    return {runs_of(positions, channels), pictures, kGroupNormThreads, moments * static_cast<int>(sizeof(float))};
}

/// A warp a group.
constexpr Launch group_merge_launch(int64_t pictures, int groups) { return {groups, pictures, kWarp, 0}; }

}  // namespace kine::kernels::cuda
