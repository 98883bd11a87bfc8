// Tensors as the copy engine of Hopper (TMA) reads them, and tiles in shared memory as its matrix unit does. Plain C++:
// host, device and tests share it.
#pragma once

#include "runtime/tensor/dtype.h"

#include <cstddef>
#include <cstdint>

namespace kine::kernels::cuda {

inline constexpr int kTileAxes = 5;                     ///< channel, head, token, inner, outer
inline constexpr int kTileColumns = 16;                 ///< channels of a box
inline constexpr int kTileRowBytes = kTileColumns * 2;  ///< of bf16, one row behind the other
inline constexpr int kTileRows = 8;                     ///< that the matrix unit reads together
inline constexpr int kTileAlignment = 256;              ///< of boxes in shared memory, so that swizzles begin with them

/// bf16 [outer, inner, tokens, heads, channels], channels together. Boxes are kTileColumns channels of `rows` tokens.
struct TileSource {
    const BFloat16* first = nullptr;  ///< at a multiple of 16 bytes
    int64_t sizes[kTileAxes] = {};    ///< from channels to outer
    int64_t strides[kTileAxes] = {};  ///< in elements; all but the channels' are multiples of eight
    int rows = 0;
};

/// A CUtensorMap.
struct alignas(128) TileMap {
    std::byte opaque[128] = {};
};

/// ErrorCode::Device where the driver refuses.
TileMap make_tile_map(const TileSource& source);

/// Sixteen bytes change places with their neighbours in every second four rows of 32, so that eight rows are read from
/// different banks (CU_TENSOR_MAP_SWIZZLE_32B): where a byte lies that would lie at `offset`.
constexpr uint32_t swizzled(uint32_t offset) { return offset ^ (offset >> 7 & 1u) << 4; }

/// A factor of the matrix unit in shared memory, by the PTX manual's matrix descriptor of wgmma: where it
/// begins, bytes from 16 channels to the next, bytes from eight rows to the next, swizzled by 32 bytes.
constexpr uint64_t tile_factor(uint32_t address, int leading_bytes, int stride_bytes) {
    constexpr uint64_t kSwizzle32 = 3;
    const auto field = [](uint64_t bytes) { return bytes >> 4 & 0x3fffu; };
    return field(address) | field(static_cast<uint64_t>(leading_bytes)) << 16 |
           field(static_cast<uint64_t>(stride_bytes)) << 32 | kSwizzle32 << 62;
}

}  // namespace kine::kernels::cuda
