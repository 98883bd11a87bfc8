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

template <class T>
float half_of(uint64_t words, int which) {
    T value;
    value.bits = static_cast<uint16_t>(words >> (16 * which));
    return value;
}

uint64_t two_words(uint32_t low, uint32_t high) { return low | static_cast<uint64_t>(high) << 32; }

int own_lane() { return place().thread % kernels::cuda::kWarp; }

}  // namespace

template <class T>
LeftFactor left_factor(const uint32_t (&a)[4]) {
    LeftFactor left = {};
    for (int pair = 0; pair < 2; ++pair) {  // of the upper and the lower rows' parts
        const auto words = exchange(two_words(a[2 * pair], a[2 * pair + 1]));
        for (int i = 0; i < 32 * 4; ++i) {
            const int lane = i / 4, half = i % 4;
            left[lane / 4 + half / 2 * 8][lane % 4 * 2 + pair * 8 + half % 2] = half_of<T>(words[lane], half);
        }
    }
    return left;
}

template <class T>
void multiply_add(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    const LeftFactor left = left_factor<T>(a);
    std::array<std::array<float, kSide>, kColumns> right = {};  // [column][k]
    const auto words = exchange(two_words(b[0], b[1]));
    for (int i = 0; i < 32 * 4; ++i) {
        const int lane = i / 4, half = i % 4;
        right[lane / 4][lane % 4 * 2 + half / 2 * 8 + half % 2] = half_of<T>(words[lane], half);
    }
    for (int i = 0; i < 4; ++i) {
        const int row = own_lane() / 4 + i / 2 * 8, column = own_lane() % 4 * 2 + i % 2;
        double sum = sums[i];
        for (int k = 0; k < kSide; ++k) sum += static_cast<double>(left[row][k]) * right[column][k];
        sums[i] = static_cast<float>(sum);
    }
}

template LeftFactor left_factor<BFloat16>(const uint32_t (&)[4]);
template LeftFactor left_factor<Float16>(const uint32_t (&)[4]);
template void multiply_add<BFloat16>(float (&)[4], const uint32_t (&)[4], const uint32_t (&)[2]);
template void multiply_add<Float16>(float (&)[4], const uint32_t (&)[4], const uint32_t (&)[2]);

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
