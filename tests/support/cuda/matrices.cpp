#include "tests/support/cuda/matrices.h"

#include "runtime/tensor/dtype.h"
#include "tests/support/cuda/emulated_grid.h"

#include <array>
#include <bit>
#include <cstring>

namespace kine::emulation {
namespace {

constexpr int kSide = 16;
constexpr int kColumns = 8;

float half_of(uint64_t pair, int which) {
    BFloat16 value;
    value.bits = static_cast<uint16_t>(pair >> (16 * which));
    return value;
}

int own_lane() { return place().thread % kernels::cuda::kWarp; }

}  // namespace

void multiply_add(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    std::array<std::array<float, kSide>, kSide> left = {};      // [row][k]
    std::array<std::array<float, kSide>, kColumns> right = {};  // [column][k]
    for (int part = 0; part < 4; ++part) {
        const auto words = exchange(a[part]);
        for (int lane = 0; lane < 32; ++lane) {
            const int row = lane / 4 + (part % 2) * 8, k = lane % 4 * 2 + part / 2 * 8;
            for (int i = 0; i < 2; ++i) left[row][k + i] = half_of(words[lane], i);
        }
    }
    for (int part = 0; part < 2; ++part) {
        const auto words = exchange(b[part]);
        for (int lane = 0; lane < 32; ++lane) {
            const int k = lane % 4 * 2 + part * 8;
            for (int i = 0; i < 2; ++i) right[lane / 4][k + i] = half_of(words[lane], i);
        }
    }
    for (int i = 0; i < 4; ++i) {
        const int row = own_lane() / 4 + i / 2 * 8, column = own_lane() % 4 * 2 + i % 2;
        double sum = sums[i];
        for (int k = 0; k < kSide; ++k) sum += static_cast<double>(left[row][k]) * right[column][k];
        sums[i] = static_cast<float>(sum);
    }
}

void load_transposed(uint32_t (&parts)[2], const void* row) {
    const auto rows = exchange(std::bit_cast<uint64_t>(row));
    const int group = own_lane() / 4, pair = own_lane() % 4 * 2;
    for (int part = 0; part < 2; ++part) {
        parts[part] = 0;
        for (int i = 0; i < 2; ++i) {
            uint16_t element = 0;
            std::memcpy(&element, std::bit_cast<const uint16_t*>(rows[part * 8 + pair + i]) + group, sizeof(element));
            parts[part] |= static_cast<uint32_t>(element) << (16 * i);
        }
    }
    sync_warp();  // until all have read: the caller may write there at once
}

}  // namespace kine::emulation
