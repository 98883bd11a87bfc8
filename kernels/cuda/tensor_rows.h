// From tensors to what kernels are given.
#pragma once

#include "kernels/cuda/rows.h"
#include "runtime/tensor/tensor.h"

#include <initializer_list>
#include <optional>

namespace kine::kernels::cuda {

/// Whether all rows of all of them can be moved 16 bytes at a time: last axis a multiple of eight, every stride and the
/// beginning likewise. Empty tensors are not asked.
bool moves_by_words(std::initializer_list<const Tensor*> tensors);

/// Whether it begins at a multiple of 16 bytes. Empty tensors do.
bool begins_at_a_word(const Tensor& tensor);

/// Where the rows of x [..., C] begin; none if their axes are of more than two kinds of steps.
std::optional<RowPlaces> row_places(const Tensor& x);

/// f32 [G, C] for G equal runs of the `rows` rows of a tensor, or [C] for all of them. Empty: no values.
RowTable row_table(const Tensor& table, int64_t rows);

}  // namespace kine::kernels::cuda
