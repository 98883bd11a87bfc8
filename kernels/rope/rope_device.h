// rope.h on a GPU, from tensors to a launch.
#pragma once

#include "kernels/rope/rope.h"

namespace kine::kernels {

void rotate_pairs_device(const Context& context, Tensor& heads, const Tensor& turns);

}  // namespace kine::kernels
