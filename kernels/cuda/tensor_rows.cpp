#include "kernels/cuda/tensor_rows.h"

#include <algorithm>
#include <bit>

namespace kine::kernels::cuda {

namespace {

bool moves_by_words(const Tensor& tensor) {
    if (!tensor) return true;
    bool moves = begins_at_a_word(tensor) && tensor.dim(-1) % kChunk == 0 && tensor.stride(-1) == 1;
    for (int axis = 0; axis + 1 < tensor.rank(); ++axis)
        moves = moves && (tensor.dim(axis) == 1 || tensor.stride(axis) % kChunk == 0);
    return moves;
}

}  // namespace

bool begins_at_a_word(const Tensor& tensor) { return !tensor || std::bit_cast<uintptr_t>(tensor.address()) % 16 == 0; }

bool moves_by_words(std::initializer_list<const Tensor*> tensors) {
    return std::ranges::all_of(tensors, [](const Tensor* tensor) { return moves_by_words(*tensor); });
}

std::optional<RowPlaces> row_places(const Tensor& x) {
    struct Level {
        int64_t stride = 0, rows = 1;
    };
    Level levels[2];
    int level = 0;
    for (int axis = x.rank() - 2; axis >= 0; --axis) {
        if (x.dim(axis) == 1) continue;
        const bool follows = levels[level].rows == 1 || x.stride(axis) == levels[level].stride * levels[level].rows;
        if (!follows && ++level == 2) return std::nullopt;
        if (levels[level].rows == 1) levels[level].stride = x.stride(axis);
        levels[level].rows *= x.dim(axis);
    }
    if (level == 0) return RowPlaces{levels[0].stride};
    return RowPlaces{levels[0].stride, levels[0].rows, levels[1].stride};
}

RowTable row_table(const Tensor& table, int64_t rows) {
    if (!table) return {};
    const bool is_one_row = table.rank() == 1 || table.dim(0) == 1;
    RowTable made;
    made.values = table.address<const float>();
    made.stride = is_one_row ? 0 : table.stride(0);
    made.rows_per_group = is_one_row ? std::max<int64_t>(1, rows) : std::max<int64_t>(1, rows / table.dim(0));
    return made;
}

}  // namespace kine::kernels::cuda
