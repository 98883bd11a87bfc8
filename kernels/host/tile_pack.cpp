#include "kernels/host/tile_pack.h"

#include "kernels/host/simd.h"
#include "kernels/host/transpose.h"
#include "runtime/device/host/processor.h"

#include <algorithm>

namespace kine::kernels {

namespace {

/// The first `count` of Lanes values at `from`, which may be more or none; the others are zero.
template <class Lanes>
Lanes load_bits(const BFloat16* from, int64_t count) {
    constexpr auto kValues = static_cast<int64_t>(sizeof(Lanes) / sizeof(BFloat16));
    Lanes lanes = {};
    if (count >= kValues) {
        std::memcpy(&lanes, from, sizeof lanes);
    } else if (count > 0) {
        std::memcpy(&lanes, from, static_cast<size_t>(count) * sizeof(BFloat16));
    }
    return lanes;
}

void store_bits(BFloat16* to, const auto& lanes) { std::memcpy(static_cast<void*>(to), &lanes, sizeof lanes); }

}  // namespace

// Pairs travel as floats, with which nothing computes.
void pack_transposed(const BFloat16* rows, int64_t stride, int64_t columns, int64_t depth, BFloat16* packed) {
    if (uses_avx512()) return pack_transposed_wide(rows, stride, columns, depth, packed);
    for (int64_t column = 0; column < rounded_up(columns, kTileBlock); column += kLanes) {
        for (int64_t k = 0; k < rounded_up(depth, kTileDepth); k += 2 * kLanes) {
            Float8 block[kLanes] = {};
            for (int64_t i = 0; i < std::min(kLanes, columns - column); ++i)
                block[i] = load_bits<Float8>(rows + (column + i) * stride + k, depth - k);
            transpose(block);
            BFloat16* to = packed + value_offset(depth, k, column);
            for (int64_t pair = 0; pair < kLanes; ++pair) store_bits(to + pair * 2 * kTileSide, block[pair]);
        }
    }
}

void pack_rows(const BFloat16* rows, int64_t stride, int64_t depth, int64_t columns, BFloat16* packed) {
    if (uses_avx512()) return pack_rows_wide(rows, stride, depth, columns, packed);
    const auto widened = [&](int64_t k, int64_t column) {
        const Half8 values = load_bits<Half8>(rows + k * stride + column, k < depth ? columns - column : 0);
        return __builtin_convertvector(values, Word8);
    };
    for (int64_t column = 0; column < rounded_up(columns, kTileBlock); column += kLanes) {
        for (int64_t k = 0; k < rounded_up(depth, kTileDepth); k += 2)
            store_bits(packed + value_offset(depth, k, column), widened(k, column) | (widened(k + 1, column) << 16));
    }
}

void pack_int8_column(const int8_t* values, int64_t depth, int64_t column, int8_t* packed) {
    for (int64_t k = 0; k < rounded_up(depth, kInt8TileDepth); k += 4)
        std::memcpy(packed + int8_value_offset(depth, k, column), values + k, 4);
}

void copy_rows(const BFloat16* from, int64_t stride, int64_t rows, int64_t size, BFloat16* to, int64_t to_stride) {
    if (uses_avx512()) return copy_rows_wide(from, stride, rows, size, to, to_stride);
    for (int64_t row = 0; row < rows; ++row) std::copy_n(from + row * stride, size, to + row * to_stride);
}

}  // namespace kine::kernels
