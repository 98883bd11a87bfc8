// Arithmetic element by element over views on GPUs: what it is asked. Broadcasting, repeating, transposing and changing
// the type are strides and types of the operands, so one kernel serves all ops that do no more than that. Plain C++:
// host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"
#include "runtime/tensor/dtype.h"

#include <cstddef>

namespace kine::kernels::cuda {

/// What becomes of elements a, b, c with numbers p, q.
enum class StridedOp {
    Copy,          ///< a
    Scale,         ///< p a + q
    Clamp,         ///< a between p and q
    Silu,          ///< of a
    GeluTanh,      ///< of a
    GeluTanhGate,  ///< gelu_tanh(a) b
    Multiply,      ///< a b
    Combine,       ///< p a + q b
    MultiplyAdd,   ///< a + b c
    MultiplyAddSilu,
    RmsScale,  ///< a c / sqrt(p b + q)
    Levels,    ///< round(p a) to even, between 0 and 255
};

inline constexpr int kStridedAxes = 8;

/// Strides in elements, outermost first; 0 where the element is shared.
struct StridedOperand {
    std::byte* data = nullptr;
    DType dtype = DType::Float32;  ///< f32, bf16; u8 for Levels' result
    int64_t strides[kStridedAxes] = {};
};

/// out = op(a, b, c) over `sizes`. The last axis is the one whose elements a thread takes eight at a time.
struct StridedArguments {
    StridedOp op = StridedOp::Copy;
    int axes = 1;
    int64_t sizes[kStridedAxes] = {};
    StridedOperand out, a, b, c;
    float p = 1.0f;
    float q = 0.0f;
    bool by_words = false;  ///< runs of eight begin at multiples of 16 bytes wherever elements lie side by side

    constexpr int64_t last() const { return sizes[axes - 1]; }
    constexpr int64_t rows() const {
        int64_t count = 1;
        for (int axis = 0; axis + 1 < axes; ++axis) count *= sizes[axis];
        return count;
    }
};

inline constexpr int kStridedThreads = 256;

/// A chunk of the last axis a thread.
constexpr Launch strided_launch(int64_t rows, int64_t last) {
    return {divide_up(rows * divide_up(last, kChunk), kStridedThreads), 1, kStridedThreads, 0};
}

/// Elements of any type moved as they are: two operands of items of this many bytes, 1, 2, 4 or 8.
constexpr Launch strided_copy_launch(int64_t elements) {
    return {divide_up(elements, kStridedThreads), 1, kStridedThreads, 0};
}

}  // namespace kine::kernels::cuda
