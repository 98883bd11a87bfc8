// Attention of any kind, a query at a time: what it is asked on a GPU, and how it is spread over one. The variant that
// runs everything, against which faster ones are measured and checked. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/attention/temporal_launch.h"

#include <cstddef>

namespace kine::kernels::cuda {

/// q, out [B1, B2, Lq, H, D]; k, v [.., .., Lk, H, D], f32, bf16 or f16, the last axis contiguous.
struct RowAttentionArguments {
    const std::byte* q = nullptr;
    const std::byte* k = nullptr;
    const std::byte* v = nullptr;
    std::byte* out = nullptr;
    DType dtype = DType::Float32;
    float* log_sums = nullptr;          ///< [B1, B2, Lq, H] contiguous, or null
    const float* bias = nullptr;        ///< [H, Lq, Lk] contiguous, or null
    const uint8_t* key_mask = nullptr;  ///< [B1, Lk] contiguous, or null
    HeadStrides q_strides, k_strides, v_strides, out_strides;
    int64_t outer = 0;
    int64_t inner = 0;
    int64_t heads = 0;
    int64_t queries = 0;
    int64_t keys = 0;
    int head_size = 0;
    float scale = 1.0f;

    constexpr int64_t rows() const { return outer * inner * queries * heads; }
};

inline constexpr int kRowAttentionWarps = 4;
inline constexpr int kRowAttentionWidest = 512;  ///< channels of a head
inline constexpr int kRowAttentionParts = kRowAttentionWidest / kWarp;

/// Floats of shared memory that a warp asks for: its query, and the weights of a block of keys.
constexpr int row_attention_floats(int head_size) { return head_size + kWarp; }

/// A warp a query and head.
constexpr Launch row_attention_launch(int64_t rows, int head_size) {
    const int bytes = kRowAttentionWarps * row_attention_floats(head_size) * static_cast<int>(sizeof(float));
    return {divide_up(rows, kRowAttentionWarps), 1, kRowAttentionWarps * kWarp, bytes};
}

}  // namespace kine::kernels::cuda
