// What kernels hold beside their arguments and results, for whoever says beforehand what a run will need.
#pragma once

#include <cstdint>

namespace kine::kernels {

/// Tensors of `bytes` at once, and what ops on them take besides. Measured: statistics of norms and weights of tiles
/// are a share of the tensors, a product keeps a tile of rows and one of sums for each thread. What it expands of a
/// weight in twelve bits (linear/weight_panels.h) is not in it: weights are counted with sixteen, which leaves more.
constexpr int64_t with_scratch(int64_t bytes, int64_t threads) {
    constexpr int64_t kShare = 32;  // one part in so many
    constexpr int64_t kBytesPerThread = 320 << 10;
    return bytes + bytes / kShare + threads * kBytesPerThread;
}

/// The same where heads of up to 128 attend: queries, keys, values and sums of one task take 585 KiB. The wider heads
/// of decoders meet in tensors that are smaller than what their convolutions announce.
constexpr int64_t with_attention_scratch(int64_t bytes, int64_t threads) {
    constexpr int64_t kMoreBytesPerThread = 320 << 10;
    return with_scratch(bytes, threads) + threads * kMoreBytesPerThread;
}

/// On a GPU: the workspace of one product, as cuBLAS's manual advises for Hopper, and what a convolution writes out of
/// its windows at a time. Plans of cuDNN that take their places take no more.
inline constexpr int64_t kDeviceProductBytes = int64_t{32} << 20;
inline constexpr int64_t kDeviceWindowBytes = int64_t{64} << 20;
/// And the rows that one makes eight bits of at a time.
inline constexpr int64_t kDeviceQuantizedBytes = int64_t{64} << 20;

/// Rows of one product, which are held in eight bits while it runs, where the weight is: as many at a time as have
/// room.
constexpr int64_t quantized_rows_bytes(int64_t threads) { return (2 + threads) << 20; }

}  // namespace kine::kernels
