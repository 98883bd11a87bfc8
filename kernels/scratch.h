// What kernels hold beside their arguments and results, for whoever says beforehand what a run will need.
#pragma once

#include <cstdint>

namespace kine::kernels {

/// Tensors of `bytes` at once, and what ops on them take besides. Measured: statistics of norms and weights of tiles
/// are a share of the tensors; a thread keeps what it packs, most of it in attention: queries, keys, values and sums of
/// one task, 585 KiB for heads of 128. Wider heads are those of decoders, whose tensors are larger than their scratch.
constexpr int64_t with_scratch(int64_t bytes, int64_t threads) {
    constexpr int64_t kShare = 32;  // one part in so many
    constexpr int64_t kBytesPerThread = 640 << 10;
    return bytes + bytes / kShare + threads * kBytesPerThread;
}

}  // namespace kine::kernels
