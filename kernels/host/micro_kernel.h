// The innermost loops of every product of matrices: a few rows times 8 or 16 columns, the sums in registers.
// Each sum is one chain of multiply-adds in the order of the depth, whatever the number of rows in the block, so a
// row's bits never depend on its neighbours.
#pragma once

#include "kernels/host/simd.h"

namespace kine::kernels {

inline constexpr int kMicroRows = 6;  // 6 rows x 2 vectors = 12 sums, 2 vectors of b, 1 of a: 15 of 16 registers
inline constexpr int64_t kPanel = 2 * kLanes;

struct ConstMatrix {
    const float* data;
    int64_t stride;  ///< in elements, from row to row

    ConstMatrix from(int64_t row, int64_t column) const { return {data + row * stride + column, stride}; }
};

struct MutableMatrix {
    float* data;
    int64_t stride;

    MutableMatrix from(int64_t row, int64_t column) const { return {data + row * stride + column, stride}; }
};

enum class Start { Zero, Add };

/// c = a b or c += a b for exactly Rows rows and 8 * Vectors columns.
template <int Rows, int Vectors, Start kStart>
[[gnu::always_inline]] inline void multiply_block(int64_t depth, ConstMatrix a, ConstMatrix b, MutableMatrix c) {
    Float8 sums[Rows][Vectors];
    unrolled<Rows * Vectors>([&](auto i) { sums[i / Vectors][i % Vectors] = Float8{}; });
    for (int64_t k = 0; k < depth; ++k) {
        Float8 columns[Vectors];
        unrolled<Vectors>([&](auto vector) { columns[vector] = load(b.data + k * b.stride + vector * kLanes); });
        unrolled<Rows>([&](auto row) {
            const Float8 factor = splat(a.data[row * a.stride + k]);
            unrolled<Vectors>([&](auto vector) { sums[row][vector] += factor * columns[vector]; });
        });
    }
    unrolled<Rows * Vectors>([&](auto i) {
        float* to = c.data + i / Vectors * c.stride + i % Vectors * kLanes;
        const Float8 sum = sums[i / Vectors][i % Vectors];
        store(to, kStart == Start::Add ? load(to) + sum : sum);
    });
}

/// As above for 1 <= rows <= kMicroRows.
template <int Vectors, Start kStart>
void multiply_strip(int64_t rows, int64_t depth, ConstMatrix a, ConstMatrix b, MutableMatrix c) {
    switch (rows) {
        case 1:
            return multiply_block<1, Vectors, kStart>(depth, a, b, c);
        case 2:
            return multiply_block<2, Vectors, kStart>(depth, a, b, c);
        case 3:
            return multiply_block<3, Vectors, kStart>(depth, a, b, c);
        case 4:
            return multiply_block<4, Vectors, kStart>(depth, a, b, c);
        case 5:
            return multiply_block<5, Vectors, kStart>(depth, a, b, c);
        default:
            return multiply_block<6, Vectors, kStart>(depth, a, b, c);
    }
}

}  // namespace kine::kernels
