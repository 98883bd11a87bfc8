// One wording for the messages of all ops: what was expected, what came. A broken promise between our own layers is a
// bug.
#pragma once

#include "runtime/tensor/tensor.h"

#include <initializer_list>
#include <string_view>

namespace kine::kernels {

void check_shape(std::string_view op, std::string_view argument, const Tensor& tensor, const Shape& expected);
void check_rank(std::string_view op, std::string_view argument, const Tensor& tensor, int rank);
void check_last_dim(std::string_view op, std::string_view argument, const Tensor& tensor, int64_t expected);
/// One row for each picture of x, [B, C], or for each frame, [B * T, C].
void check_rows_of_groups(std::string_view op, std::string_view argument, const Tensor& rows, const Tensor& x);
void check_same_shape(std::string_view op, const Tensor& first, const Tensor& second);
void check_same_dtype(std::string_view op, std::initializer_list<const Tensor*> tensors);
void check_floating(std::string_view op, std::string_view argument, const Tensor& tensor);  ///< f32, bf16 or f16
void check_contiguous(std::string_view op, std::string_view argument, const Tensor& tensor);

}  // namespace kine::kernels
