// move.h on a GPU, from tensors to a launch.
#pragma once

#include "kernels/move/move.h"

namespace kine::kernels {

void gather_rows_device(const Context& context, const Tensor& table, const Tensor& ids, Tensor& out);

}  // namespace kine::kernels
