// The loops behind move.h.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

void copy_host(const Context& context, const Tensor& from, Tensor& to);
void gather_rows_host(const Context& context, const Tensor& table, const Tensor& ids, Tensor& out);

}  // namespace kine::kernels
