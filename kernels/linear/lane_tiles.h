// What stands in for matrix units where there are none for eight-bit numbers (host/amx.h): the same tiles in memory,
// multiplied in vector registers. Sums of whole numbers are exact, so both give the same bits.
#pragma once

#include <cstdint>
#include <cstring>

namespace kine::kernels {

/// 16 rows of 64 bytes: [16, 64] i8, or [16, 16, 4] i8 to multiply with, or [16, 16] i32 of sums.
struct alignas(64) MemoryTile {
    static constexpr int64_t kRows = 16;
    static constexpr int64_t kRowBytes = 64;
    char bytes[kRows * kRowBytes];
};

/// sums += left x right, as AmxTiles::multiply_int8 does; no value is -128. For processors with AVX2.
void multiply_int8(MemoryTile& sums, const MemoryTile& left, const MemoryTile& right);
/// The same with AVX-512 and its products of eight-bit numbers (VNNI).
void multiply_int8_wide(MemoryTile& sums, const MemoryTile& left, const MemoryTile& right);

using MultiplyTiles = void (*)(MemoryTile& sums, const MemoryTile& left, const MemoryTile& right);

template <MultiplyTiles kMultiply>
class TilesInMemory {
  public:
    template <int tile>
    void zero() {
        std::memset(tiles_[tile].bytes, 0, sizeof tiles_[tile].bytes);
    }
    template <int tile>
    void load(const void* from, int64_t stride) {
        for (int64_t row = 0; row < MemoryTile::kRows; ++row)
            std::memcpy(row_of(tile, row), static_cast<const char*>(from) + row * stride, MemoryTile::kRowBytes);
    }
    template <int tile>
    void store(void* to, int64_t stride) {
        for (int64_t row = 0; row < MemoryTile::kRows; ++row)
            std::memcpy(static_cast<char*>(to) + row * stride, row_of(tile, row), MemoryTile::kRowBytes);
    }
    template <int sums, int left, int right>
    void multiply_int8() {
        kMultiply(tiles_[sums], tiles_[left], tiles_[right]);
    }

  private:
    char* row_of(int tile, int64_t row) { return tiles_[tile].bytes + row * MemoryTile::kRowBytes; }

    MemoryTile tiles_[8];
};

using LaneTiles = TilesInMemory<multiply_int8>;
using WideTiles = TilesInMemory<multiply_int8_wide>;

}  // namespace kine::kernels
