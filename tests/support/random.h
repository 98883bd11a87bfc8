// Seeded random tensors, and tensors as doubles for slow twins. The same seed gives the same values on every machine.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <vector>

namespace kine {

/// Normal values times `scale`, rounded to `dtype` (f32, bf16 or f16).
Tensor random_tensor(const Context& context, const Shape& shape, DType dtype, uint64_t seed, float scale = 1.0f);

/// All elements in row-major order, whatever the strides and the dtype.
std::vector<double> to_doubles(const Tensor& tensor);

/// The reverse: a contiguous tensor of `dtype`, which may be any.
Tensor from_doubles(const Context& context, const Shape& shape, DType dtype, const std::vector<double>& values);

}  // namespace kine
