#include "kernels/host/amx.h"

#include "kernels/host/tile_product.h"
#include "runtime/device/host/processor.h"

#include <algorithm>
#include <array>

namespace kine::kernels {

namespace {

/// Whole numbers multiply exactly, so one block tells whether the units do what we think they do.
bool multiplies_rightly() {
    std::array<BFloat16, kTileBlock * kTileDepth> left, right;
    std::array<BFloat16, packed_values(kTileDepth, kTileBlock)> packed;
    for (size_t i = 0; i < left.size(); ++i) {
        left[i] = BFloat16(static_cast<float>(i * 7 % 13) - 6.0f);
        right[i] = BFloat16(static_cast<float>(i * 5 % 11) - 5.0f);
    }
    pack_transposed(right.data(), kTileDepth, kTileBlock, kTileDepth, packed.data());
    std::array<float, kTileBlock* kTileBlock> sums = {};
    AmxTiles tiles;
    multiply_panel(tiles, kTileDepth, {left.data(), kTileDepth}, packed.data(), {sums.data(), kTileBlock}, Start::Add);
    for (size_t i = 0; i < sums.size(); ++i) {
        for (size_t k = 0; k < kTileDepth; ++k)
            sums[i] -= float(left[i / kTileBlock * kTileDepth + k]) * float(right[i % kTileBlock * kTileDepth + k]);
    }
    return std::ranges::all_of(sums, [](float difference) { return difference == 0.0f; });
}

/// As above; the largest product is among them, which adds of fewer bits would cut off.
bool multiplies_int8_rightly() {
    std::array<int8_t, kTileBlock * kInt8TileDepth> left, right;
    std::array<int8_t, kTileBlock * kInt8TileDepth> packed;
    for (size_t i = 0; i < left.size(); ++i) {
        left[i] = static_cast<int8_t>(static_cast<int>(i * 37 % 255) - 127);
        right[i] = static_cast<int8_t>(static_cast<int>(i * 91 % 255) - 127);
    }
    for (int64_t column = 0; column < kTileBlock; ++column)
        pack_int8_column(right.data() + column * kInt8TileDepth, kInt8TileDepth, column, packed.data());
    std::array<int32_t, kTileBlock* kTileBlock> sums = {};
    AmxTiles tiles;
    multiply_panel(tiles, kInt8TileDepth, Int8TileRows{left.data(), kInt8TileDepth}, packed.data(),
                   Int32Matrix{sums.data(), kTileBlock}, Start::Add);
    for (size_t i = 0; i < sums.size(); ++i) {
        for (size_t k = 0; k < kInt8TileDepth; ++k)
            sums[i] -= left[i / kTileBlock * kInt8TileDepth + k] * right[i % kTileBlock * kInt8TileDepth + k];
    }
    return std::ranges::all_of(sums, [](int32_t difference) { return difference == 0; });
}

}  // namespace

bool has_amx() {
    static const bool works = instruction_set() == InstructionSet::Amx && multiplies_rightly();
    return works;
}

bool has_amx_int8() {
    static const bool works = has_amx() && has_int8_tiles() && multiplies_int8_rightly();
    return works;
}

}  // namespace kine::kernels
