// Between the memory of the host and that of a GPU.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine {

/// `x` in the memory of context.device: itself where it lies there, or is imagined, else a contiguous copy. What the
/// copy is made from may go at once. On another GPU, `x` is contiguous and the work that makes it is done.
Tensor to_device(const Context& context, const Tensor& x);

/// `x` where the host can read it: itself, or a contiguous copy of what the work enqueued so far leaves there. Views
/// that are not contiguous are copied by kernels::contiguous first.
Tensor to_host(const Context& context, const Tensor& x);

/// Of two contiguous tensors as long as one another, both of the host or both of GPUs, there in the order of `stream`.
void copy_contents(const Tensor& from, Tensor& to, Stream stream);

/// In the order of the context's work.
void fill_with_zeros(const Context& context, Tensor& x);

}  // namespace kine
