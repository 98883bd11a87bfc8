// Two kernels and their slow ancestors, a step apart, so that what each step is worth can be measured on the GPU at
// hand. The last rung of a ladder is the kernel that models use; the others are kept for this alone.
#pragma once

#include "kernels/attention/temporal_launch.h"
#include "kernels/norm/norm_launch.h"
#include "runtime/device/stream.h"

#include <cmath>
#include <string_view>

namespace kine::bench {

struct Rung {
    std::string_view name;
    std::string_view step;  ///< what it does otherwise than the rung before, and why
};

inline constexpr Rung kNormRungs[] = {
    {"thread", "a thread a row, three passes: neighbours read addresses a row apart, and each move serves one number"},
    {"block", "256 threads a row: neighbours read neighbours; but a sum takes ten barriers"},
    {"warp", "a warp a row: lanes exchange their sums, nobody waits at a barrier"},
    {"held", "a row is read once and stays in the registers of eight warps: four moves of it instead of six"},
    {"words", "16 bytes a move instead of 2, and no more warps than the row fills"},
};

inline constexpr Rung kTemporalRungs[] = {
    {"thread", "a thread a query: every key and value is read from memory once for each query"},
    {"staged", "a warp a head: keys and values are brought to shared memory once"},
    {"matrix", "products by the matrix unit, of whose instructions one does what 64 did; rows leave by 16 bytes"},
};

/// `rung` is an index of the table. All compute the same, the last one in any layout that its kernel takes; for the
/// others attention has neither norms, turns nor log-sums.
void launch_norm_rung(size_t rung, const kernels::cuda::NormArguments<BFloat16>& norm, Stream stream);
void launch_temporal_rung(size_t rung, const kernels::cuda::TemporalArguments<BFloat16>& all, Stream stream);

inline constexpr int kLadderHeadSize = 72;  ///< of Latte and Open-Sora

/// Attention over the frames of packed projections [frames, sites, 3, heads, kLadderHeadSize].
inline kernels::cuda::TemporalArguments<BFloat16> over_frames(const BFloat16* packed, BFloat16* out, int frames,
                                                              int64_t sites, int heads) {
    const int64_t width = int64_t{heads} * kLadderHeadSize;
    kernels::cuda::TemporalArguments<BFloat16> all;
    all.q = packed;
    all.k = packed + width;
    all.v = packed + 2 * width;
    all.out = out;
    all.q_strides = all.k_strides = all.v_strides = {0, 3 * width, sites * 3 * width, kLadderHeadSize};
    all.out_strides = {0, width, sites * width, kLadderHeadSize};
    all.outer = 1;
    all.inner = sites;
    all.heads = heads;
    all.queries = all.keys = frames;
    all.scale = 1.0f / std::sqrt(static_cast<float>(kLadderHeadSize));
    return all;
}

}  // namespace kine::bench
