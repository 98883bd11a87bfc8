// The host's double of kernels/cuda/intrinsics.cuh: the same functions over an emulated grid. Files that test kernels
// find it first (tests/CMakeLists.txt).
#pragma once

#include "runtime/tensor/dtype.h"
#include "tests/support/cuda/emulated_grid.h"
#include "tests/support/cuda/matrices.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <exception>

namespace kine::kernels::cuda {

struct Words {
    uint32_t word[4];
};

inline int thread_in_block() { return emulation::place().thread; }
inline int threads_in_block() { return emulation::place().launch.threads; }
inline int64_t block_x() { return emulation::place().block_x; }
inline int64_t block_y() { return emulation::place().block_y; }
inline int64_t blocks_x() { return emulation::place().launch.blocks_x; }

inline void sync_block() { emulation::sync_block(); }
inline void sync_warp() { emulation::sync_warp(); }

inline uint32_t bits_of(float value) { return std::bit_cast<uint32_t>(value); }
inline float float_of(uint32_t bits) { return std::bit_cast<float>(bits); }

inline float shuffle_xor(float value, int mask) {
    const auto other = static_cast<size_t>((thread_in_block() % kWarp) ^ mask);
    return float_of(static_cast<uint32_t>(emulation::exchange(bits_of(value))[other]));
}

inline float float_of_half(uint16_t bits) {
    Float16 value;
    value.bits = bits;
    return value;
}

template <class T>
uint32_t pack(float low, float high) {
    return T(low).bits | static_cast<uint32_t>(T(high).bits) << 16;
}

inline float fast_exp(float x) { return std::exp(x); }
inline float natural_exp(float x) { return std::exp(x); }
inline float natural_log(float x) { return std::log(x); }
inline float inverse_square_root(float x) { return 1.0f / std::sqrt(x); }
inline float round_to_even(float x) { return std::rint(x); }

/// A GPU faults on such an address.
inline void check_aligned(const void* address, uintptr_t bytes) {
    if (std::bit_cast<uintptr_t>(address) % bytes != 0) std::terminate();
}

inline Words load_words(const void* from) {
    check_aligned(from, sizeof(Words));
    Words words;
    std::memcpy(&words, from, sizeof(words));
    return words;
}
inline void store_words(void* to, const Words& words) {
    check_aligned(to, sizeof(Words));
    std::memcpy(to, &words, sizeof(words));
}
inline uint32_t load_word(const void* from) {
    check_aligned(from, sizeof(uint32_t));
    uint32_t word = 0;
    std::memcpy(&word, from, sizeof(word));
    return word;
}
inline void store_word(void* to, uint32_t word) {
    check_aligned(to, sizeof(word));
    std::memcpy(to, &word, sizeof(word));
}

template <class T>
void multiply_add(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    emulation::multiply_add<T>(sums, a, b);
}
inline void load_transposed(uint32_t (&parts)[2], const void* row) {
    check_aligned(row, sizeof(Words));
    emulation::load_transposed(parts, row);
}

}  // namespace kine::kernels::cuda
