// Moving values without changing them.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <span>

namespace kine::kernels {

/// A contiguous copy of any view; returns the tensor itself where it already is contiguous.
Tensor contiguous(const Context& context, const Tensor& x);
/// Copies any view into any view of the same shape and dtype.
void copy_into(const Context& context, const Tensor& from, Tensor& to);
/// Joins along an axis; all of one dtype, other axes equal.
Tensor concat(const Context& context, std::span<const Tensor> parts, int axis);
/// Rows of table [V, C] for ids i64 [L] -> [L, C]. An id outside the table is ErrorCode::BadInput. On a GPU, ids that
/// the host holds spare a wait.
Tensor gather_rows(const Context& context, const Tensor& table, const Tensor& ids);

}  // namespace kine::kernels
