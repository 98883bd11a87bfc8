// Arithmetic over views on GPUs, from tensors to launches.
#pragma once

#include "kernels/elementwise/strided_launch.h"
#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <initializer_list>

namespace kine::kernels::cuda {

/// Up to three operands, of which some may be empty; their sizes equal those of `out` or are 1. Neighbouring axes are
/// merged wherever all operands allow it.
StridedArguments strided(StridedOp op, const Tensor& out, std::initializer_list<Tensor> operands, float p = 1.0f,
                         float q = 0.0f);

/// Enqueues out = op(operands).
void run_strided(const Context& context, StridedOp op, const Tensor& out, std::initializer_list<Tensor> operands,
                 float p = 1.0f, float q = 0.0f);
/// Enqueues out = x, whose axes of size 1 are repeated. Types may differ if both are f32, bf16 or f16.
void run_copy(const Context& context, const Tensor& x, const Tensor& out);
/// `table` in f32 with its last axis contiguous: itself, or a copy.
Tensor float_table(const Context& context, const Tensor& table);

}  // namespace kine::kernels::cuda
