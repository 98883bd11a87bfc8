// Rows of a tensor as kernels see them, and the arithmetic of launching over them: plain C++, the same for the host,
// the device and tests.
#pragma once

#include <cstdint>

namespace kine::kernels::cuda {

inline constexpr int kWarp = 32;
inline constexpr int kChunk = 8;  ///< elements of a thread's step: 16 bytes of bf16, twice 16 of f32

constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The smallest power of two that is not below `value`.
constexpr int power_of_two_above(int value) {
    int power = 1;
    while (power < value) power *= 2;
    return power;
}

/// Threads, and bytes of shared memory that a block asks for.
struct Launch {
    int64_t blocks_x = 0;
    int64_t blocks_y = 1;
    int threads = 0;
    int shared_bytes = 0;

    bool operator==(const Launch&) const = default;
};

/// Where rows begin: in runs whose rows lie `stride` elements apart, each run `run_stride` behind the one before.
struct RowPlaces {
    int64_t stride = 0;
    int64_t rows_per_run = INT64_MAX;
    int64_t run_stride = 0;

    constexpr int64_t at(int64_t row) const { return row / rows_per_run * run_stride + row % rows_per_run * stride; }
};

/// One row of f32 values for each of several equal runs of rows: a slice of a modulation table, or the only row of a
/// weight.
struct RowTable {
    const float* values = nullptr;  ///< null: there is none
    int64_t stride = 0;             ///< elements from one run's row to the next
    int64_t rows_per_group = 1;
};

}  // namespace kine::kernels::cuda
