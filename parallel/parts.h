// Parts of tensors, some of them empty: where there are more ranks than rows. Ops need not know of empty tensors, so
// those never reach one.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <vector>

namespace kine::parallel {

/// x, contiguous, as what travels must be.
Tensor packed(const Context& context, const Tensor& x);
/// The parts, one after the other along `axis`.
Tensor join(const Context& context, const std::vector<Tensor>& parts, int axis);

}  // namespace kine::parallel
