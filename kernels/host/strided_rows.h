// Walking the rows of the last axis of a view, whose other axes may have any strides.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <algorithm>

namespace kine::kernels {

/// Offset in elements of row `number` of `x`, rows counted over the leading axes with the last of them fastest.
inline int64_t row_offset(const Tensor& x, int64_t number) {
    int64_t offset = 0;
    for (int axis = x.rank() - 2; axis >= 0; --axis) {
        offset += number % x.dim(axis) * x.stride(axis);
        number /= x.dim(axis);
    }
    return offset;
}

/// Calls body(number, offset) for every row of `x`, in parallel.
template <class Body>
void for_strided_rows(const Context& context, const Tensor& x, const Body& body) {
    constexpr int64_t kGrainElements = 16384;  // below this a thread costs more than it saves
    if (x.elements() == 0) return;
    const int64_t grain = std::max<int64_t>(1, kGrainElements / x.dim(-1));
    context.threads.parallel_for(x.elements() / x.dim(-1), grain, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) body(row, row_offset(x, row));
    });
}

}  // namespace kine::kernels
