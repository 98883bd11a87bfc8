// The matrix units of x86 as their manual describes them (kernels/host/amx.h), for processors that have none.
#pragma once

#include "runtime/tensor/dtype.h"

#include <cstdint>
#include <cstring>

namespace kine {

class EmulatedTiles {
  public:
    template <int tile>
    void zero() {
        std::memset(tiles_[tile], 0, sizeof tiles_[tile]);
    }
    template <int tile>
    void load(const void* from, int64_t stride) {
        for (int64_t row = 0; row < kRows; ++row)
            std::memcpy(tiles_[tile][row], static_cast<const char*>(from) + row * stride, kRowBytes);
    }
    template <int tile>
    void store(void* to, int64_t stride) {
        for (int64_t row = 0; row < kRows; ++row)
            std::memcpy(static_cast<char*>(to) + row * stride, tiles_[tile][row], kRowBytes);
    }
    /// TDPBF16PS: row m of the left operand's pair k meets row k of the right one's.
    template <int sums, int left, int right>
    void multiply() {
        for (int m = 0; m < kRows; ++m) {
            for (int n = 0; n < kRows; ++n) {
                float sum = read<float>(sums, m, n);
                for (int k = 0; k < kRows; ++k) {
                    sum += float(read<BFloat16>(left, m, 2 * k)) * float(read<BFloat16>(right, k, 2 * n));
                    sum += float(read<BFloat16>(left, m, 2 * k + 1)) * float(read<BFloat16>(right, k, 2 * n + 1));
                }
                std::memcpy(tiles_[sums][m] + sizeof(float) * static_cast<size_t>(n), &sum, sizeof sum);
            }
        }
    }
    /// TDPBSSD: the same with fours of eight-bit numbers.
    template <int sums, int left, int right>
    void multiply_int8() {
        for (int m = 0; m < kRows; ++m) {
            for (int n = 0; n < kRows; ++n) {
                auto sum = read<int32_t>(sums, m, n);
                for (int k = 0; k < kRowBytes; ++k)
                    sum += read<int8_t>(left, m, k) * read<int8_t>(right, k / 4, 4 * n + k % 4);
                std::memcpy(tiles_[sums][m] + sizeof(int32_t) * static_cast<size_t>(n), &sum, sizeof sum);
            }
        }
    }

  private:
    static constexpr int64_t kRows = 16;
    static constexpr int64_t kRowBytes = 64;

    template <class T>
    T read(int tile, int row, int column) const {
        T value;
        std::memcpy(static_cast<void*>(&value), tiles_[tile][row] + sizeof(T) * static_cast<size_t>(column), sizeof(T));
        return value;
    }

    char tiles_[8][kRows][kRowBytes] = {};
};

}  // namespace kine
