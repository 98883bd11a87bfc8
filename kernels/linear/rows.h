// The left operand of a product, row by row. A row is a chain of runs of values that lie together in memory, so the
// same product serves plain rows and the windows of a convolution, which are gathered while they are copied into the
// tile.
#pragma once

#include "kernels/host/simd.h"
#include "runtime/tensor/tensor.h"

#include <algorithm>
#include <functional>

namespace kine::kernels {

/// Values from some position of a row on; `values` null stands for zeros.
struct Run {
    const std::byte* values = nullptr;
    int64_t count = 0;
};

struct Rows {
    int64_t count = 0;
    DType dtype = DType::Float32;
    /// The run that starts at position `k` of `row`; never empty. Called from several threads.
    std::function<Run(int64_t row, int64_t k)> run;
};

struct Range {
    int64_t begin = 0;
    int64_t end = 0;

    int64_t size() const { return end - begin; }
};

template <class In, class Out>
void copy_run(const In* from, int64_t count, Out* to) {
    if constexpr (std::is_same_v<In, Out>) {
        std::memcpy(static_cast<void*>(to), from, static_cast<size_t>(count) * sizeof(In));
    } else {
        map_lanes(
            count, to, [](Float8 v) { return v; }, from);
    }
}

/// Copies a rectangle of `rows`, whose values are of type In, to a tile with `stride` elements from row to row.
template <class In, class Out>
void copy_rows(const Rows& rows, Range which, Range depth, Out* tile, int64_t stride) {
    for (int64_t row = which.begin; row < which.end; ++row, tile += stride) {
        for (int64_t k = depth.begin; k < depth.end;) {
            const Run run = rows.run(row, k);
            const int64_t count = std::min(run.count, depth.end - k);
            Out* to = tile + (k - depth.begin);
            if (run.values) {
                copy_run(reinterpret_cast<const In*>(run.values), count, to);
            } else {
                std::fill_n(to, count, Out());
            }
            k += count;
        }
    }
}

}  // namespace kine::kernels
