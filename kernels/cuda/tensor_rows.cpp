#include "kernels/cuda/tensor_rows.h"

#include <algorithm>
#include <bit>

namespace kine::kernels::cuda {

namespace {

bool moves_by_words(const Tensor& tensor) {
    if (!tensor) return true;
    const auto address = std::bit_cast<uintptr_t>(tensor.raw());
    bool moves = address % 16 == 0 && tensor.dim(-1) % kChunk == 0 && tensor.stride(-1) == 1;
    for (int axis = 0; axis + 1 < tensor.rank(); ++axis)
        moves = moves && (tensor.dim(axis) == 1 || tensor.stride(axis) % kChunk == 0);
    return moves;
}

}  // namespace

bool moves_by_words(std::initializer_list<const Tensor*> tensors) {
    return std::ranges::all_of(tensors, [](const Tensor* tensor) { return moves_by_words(*tensor); });
}

RowTable row_table(const Tensor& table, int64_t rows) {
    if (!table) return {};
    const bool is_one_row = table.rank() == 1 || table.dim(0) == 1;
    RowTable made;
    made.values = table.data<float>();
    made.stride = is_one_row ? 0 : table.stride(0);
    made.rows_per_group = is_one_row ? std::max<int64_t>(1, rows) : std::max<int64_t>(1, rows / table.dim(0));
    return made;
}

}  // namespace kine::kernels::cuda
