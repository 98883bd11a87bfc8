#include "kernels/check.h"

namespace kine::kernels {

void check_shape(std::string_view op, std::string_view argument, const Tensor& tensor, const Shape& expected) {
    check(tensor && tensor.shape() == expected, ErrorCode::Bug, "{}: {} has shape {}, expected {}", op, argument,
          to_string(tensor.shape()), to_string(expected));
}

void check_rank(std::string_view op, std::string_view argument, const Tensor& tensor, int rank) {
    check(tensor && tensor.rank() == rank, ErrorCode::Bug, "{}: {} has shape {}, expected {} axes", op, argument,
          to_string(tensor.shape()), rank);
}

void check_last_dim(std::string_view op, std::string_view argument, const Tensor& tensor, int64_t expected) {
    check(tensor && tensor.rank() > 0 && tensor.dim(-1) == expected, ErrorCode::Bug,
          "{}: {} has shape {}, expected a last axis of {}", op, argument, to_string(tensor.shape()), expected);
}

void check_rows_of_groups(std::string_view op, std::string_view argument, const Tensor& rows, const Tensor& x) {
    check_last_dim(op, argument, rows, x.dim(-1));
    const int64_t frames = x.rank() > 2 ? x.dim(0) * x.dim(1) : x.dim(0);
    check(rows.rank() == 2 && (rows.dim(0) == x.dim(0) || rows.dim(0) == frames), ErrorCode::Bug,
          "{}: {} has shape {}, expected [{} or {}, {}]", op, argument, to_string(rows.shape()), x.dim(0), frames,
          x.dim(-1));
}

void check_same_shape(std::string_view op, const Tensor& first, const Tensor& second) {
    check(first && second && first.shape() == second.shape(), ErrorCode::Bug, "{}: shapes {} and {}, expected equal",
          op, to_string(first.shape()), to_string(second.shape()));
}

void check_same_dtype(std::string_view op, std::initializer_list<const Tensor*> tensors) {
    const DType expected = (*tensors.begin())->dtype();
    for (const Tensor* tensor : tensors) {
        check(tensor->dtype() == expected, ErrorCode::Bug, "{}: dtypes {} and {}, expected equal", op,
              name_of(expected), name_of(tensor->dtype()));
    }
}

void check_floating(std::string_view op, std::string_view argument, const Tensor& tensor) {
    check(tensor && is_arithmetic(tensor.dtype()), ErrorCode::Bug, "{}: {} is {}, expected f32, bf16 or f16", op,
          argument, tensor ? name_of(tensor.dtype()) : "empty");
}

void check_contiguous(std::string_view op, std::string_view argument, const Tensor& tensor) {
    check(tensor.is_contiguous(), ErrorCode::Bug, "{}: {} of shape {} has gaps, expected a contiguous tensor", op,
          argument, to_string(tensor.shape()));
}

}  // namespace kine::kernels
