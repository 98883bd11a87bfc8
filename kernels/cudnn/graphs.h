// What cuDNN is asked for, as plain numbers: ops describe it, libkinescope_cudnn.so makes cuDNN's graphs of it. Tensors
// are of the graph's dtype but where it is said, and begin at multiples of 16 bytes; strides are in elements, the last
// axis has none.
#pragma once

#include "runtime/tensor/dtype.h"

#include <array>
#include <compare>
#include <cstdint>

namespace kine::kernels::cudnn {

/// From one to the next, in a tensor of heads.
struct TokenStrides {
    int64_t batch = 0, token = 0, head = 0;

    auto operator<=>(const TokenStrides&) const = default;
};

/// Softmax attention of batches that lie evenly. Calls with the same graph share a plan: memory and scale come with the
/// call.
struct AttentionGraph {
    int64_t batches = 0, queries = 0, keys = 0, heads = 0, head_size = 0;
    TokenStrides q, k, v, out;
    bool writes_log_sums = false;   ///< f32 [batches, queries, heads], contiguous
    DType dtype = DType::BFloat16;  ///< or f16

    auto operator<=>(const AttentionGraph&) const = default;
};

/// Where an attention's memory goes. The scale is a float of the host's, read while the call is made.
enum AttentionPlace : int64_t { kQueries = 1, kKeys, kValues, kOutput, kScale, kLogSums };

/// One of the axes that windows move over, with zeros around.
struct WindowedAxis {
    int64_t size = 1;
    int64_t window = 1;
    int64_t step = 1;
    int64_t before = 0, after = 0;

    constexpr int64_t windows() const { return (size + before + after - window) / step + 1; }
    auto operator<=>(const WindowedAxis&) const = default;
};

inline constexpr int kMostWindowedAxes = 3;

/// Convolution, perhaps with a bias, channels last and contiguous: [N, Y, X, C] with weights [C', y, x, C], or
/// [N, T, Y, X, C] with [C', t, y, x, C]. Sums are f32, rounded once when residual and bias are in them: in this order
/// cuDNN 9.19 has kernels, in the other it compiles one for each size.
struct ConvolutionGraph {
    int64_t batches = 1, channels = 0, out_channels = 0;
    int rank = 2;  ///< windowed axes, the first so many of:
    std::array<WindowedAxis, kMostWindowedAxes> axes = {};
    bool has_bias = true;
    bool has_residual = false;      ///< like the result
    DType dtype = DType::BFloat16;  ///< or f16

    auto operator<=>(const ConvolutionGraph&) const = default;
};

/// Where a convolution's memory goes. The bias is [C'] of the same type: with one in f32 cuDNN 9.19 compiles a kernel
/// for each size, most of a second long, with one in bf16 it has them.
enum ConvolutionPlace : int64_t { kInput = 1, kWeight, kBias, kResult, kSums, kResidual, kWithResidual };

}  // namespace kine::kernels::cudnn
