// Rotations, as ops on heads are given them.
#pragma once

#include "runtime/tensor/tensor.h"

#include <string_view>

namespace kine::kernels {

/// Whether `turns` f32 [T or 1, S or 1, D] contiguous suit `heads` [B, T, S, H, D] with the last axis contiguous.
void check_turns(std::string_view op, const Tensor& heads, const Tensor& turns);

}  // namespace kine::kernels
