// Heads as the matrix unit takes them. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"
#include "runtime/tensor/dtype.h"

namespace kine::kernels::cuda {

/// Elements between neighbours of [B1, B2, L, H, D] along its first four axes; 0 along an axis that is shared.
struct HeadStrides {
    int64_t outer = 0;
    int64_t inner = 0;
    int64_t token = 0;
    int64_t head = 0;
};

/// q, out [B1, B2, Lq, H, D]; k, v [.., .., Lk, H, D]; bf16 or f16. Every head begins at a multiple of 16 bytes.
template <class T>
struct MatrixArguments {
    const T* q = nullptr;
    const T* k = nullptr;
    const T* v = nullptr;
    T* out = nullptr;
    float* log_sums = nullptr;  ///< [B1, B2, Lq, H] contiguous, or null
    HeadStrides q_strides, k_strides, v_strides, out_strides;
    int64_t outer = 0;
    int64_t inner = 0;
    int heads = 0;
    int queries = 0;
    int keys = 0;
    float scale = 1.0f;
};

inline constexpr int kMatrixSide = 16;                  ///< rows of a step of the matrix unit
inline constexpr int kMatrixBytes = 2;                  ///< of an element, bf16 or f16
inline constexpr int kSharedWithoutAsking = 48 * 1024;  ///< bytes that every GPU gives a block

/// The product's inner axis goes by steps of 16: channels are padded with zeros.
constexpr int padded_head(int head_size) { return static_cast<int>(divide_up(head_size, kMatrixSide)) * kMatrixSide; }

/// Elements of a row in shared memory. An odd multiple of 16 bytes, so that eight rows lie in different banks.
constexpr int shared_row(int head_size) { return padded_head(head_size) + kChunk; }

}  // namespace kine::kernels::cuda
