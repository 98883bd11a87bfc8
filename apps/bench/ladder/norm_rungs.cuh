// The fused norm as it is written first, second and third: three passes over a row by more and more threads.
#pragma once

#include "kernels/norm/norm.cuh"

namespace kine::bench {

using namespace kernels::cuda;

inline constexpr int kRowsPerBlock = 128;   ///< of the first rung, a thread each
inline constexpr int kThreadsPerRow = 256;  ///< of the second
inline constexpr int kWarpsPerBlock = 4;    ///< of the third, a row each

constexpr Launch thread_per_row_launch(int64_t rows) { return {divide_up(rows, kRowsPerBlock), 1, kRowsPerBlock, 0}; }
constexpr Launch block_per_row_launch(int64_t rows) {
    return {rows, 1, kThreadsPerRow, kThreadsPerRow * static_cast<int>(sizeof(float))};
}
constexpr Launch warp_per_row_launch(int64_t rows) {
    return {divide_up(rows, kWarpsPerBlock), 1, kWarpsPerBlock * kWarp, 0};
}

/// The table's value for an element, `otherwise` where there is no table.
__device__ inline float value_of(const RowTable& table, int64_t row, int i, float otherwise) {
    return table.values ? table.values[row / table.rows_per_group * table.stride + i] : otherwise;
}

/// A row by the `team` threads that call this, of which this one is `member`. `sum` adds up what each of them has.
template <class T, class Sum>
__device__ void norm_in_passes(const NormArguments<T>& norm, int64_t row, int member, int team, const Sum& sum) {
    const int64_t begin = norm.places.at(row);
    const auto width = static_cast<float>(norm.width);
    const T* kept = norm.y ? norm.sum : norm.x;
    float total = 0.0f;
    for (int i = member; i < norm.width; i += team) {
        if (norm.y) {
            const float gated = value_of(norm.gate, row, i, 1.0f) * widen(norm.y[begin + i]);
            narrow(widen(norm.x[begin + i]) + gated, norm.sum[begin + i]);
        }
        total += widen(kept[begin + i]);
    }
    const float mean = norm.subtracts_mean ? sum(total) / width : 0.0f;
    float squares = 0.0f;
    for (int i = member; i < norm.width; i += team) {
        const float centred = widen(kept[begin + i]) - mean;
        squares += centred * centred;
    }
    const float inverse = inverse_square_root(sum(squares) / width + norm.eps);
    for (int i = member; i < norm.width; i += team) {
        float value = (widen(kept[begin + i]) - mean) * inverse;
        value = value * value_of(norm.weight, row, i, 1.0f) + value_of(norm.bias, row, i, 0.0f);
        value = value * (1.0f + value_of(norm.scale, row, i, 0.0f)) + value_of(norm.shift, row, i, 0.0f);
        narrow(value, norm.out[begin + i]);
    }
}

template <class T>
__device__ void thread_per_row_block(const NormArguments<T>& norm) {
    const int64_t row = block_x() * kRowsPerBlock + thread_in_block();
    if (row < norm.rows) norm_in_passes(norm, row, 0, 1, [](float value) { return value; });
}

/// Halves add up until one thread has it all; `shared` has a float for each thread.
__device__ inline float sum_by_halves(float value, float* shared) {
    sync_block();  // until all have read an earlier sum
    shared[thread_in_block()] = value;
    for (int half = kThreadsPerRow / 2; half > 0; half /= 2) {
        sync_block();
        if (thread_in_block() < half) shared[thread_in_block()] += shared[thread_in_block() + half];
    }
    sync_block();
    return shared[0];
}

template <class T>
__device__ void block_per_row_block(const NormArguments<T>& norm, float* shared) {
    norm_in_passes(norm, block_x(), thread_in_block(), kThreadsPerRow,
                   [shared](float value) { return sum_by_halves(value, shared); });
}

template <class T>
__device__ void warp_per_row_block(const NormArguments<T>& norm) {
    const int64_t row = block_x() * kWarpsPerBlock + warp_in_block();
    if (row < norm.rows)  // a whole warp at once, or not
        norm_in_passes(norm, row, lane(), kWarp, [](float value) { return sum_over<kWarp>(value); });
}

}  // namespace kine::bench
