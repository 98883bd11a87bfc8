// Features modulated by pictures on a coarser grid, as spatially conditioned norms do it (Zheng et al. 2022, arXiv
// 2209.09002): what the coarse pictures say is read at the nearest pixel and never stored at full size.
#pragma once

#include "kernels/linear/linear.h"
#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <span>

namespace kine::kernels {

/// x = activation(x * factor + offset) in place. x [F, Y, X, C] contiguous and uniquely owned. condition [F', Y', X',
/// 2C], of x's dtype, holds factor and then offset of each coarse pixel; Y' and X' divide Y and X. Frame f of x reads
/// frame frames[f] of it. Activation None or Silu.
void modulate_nearest(const Context& context, Tensor& x, const Tensor& condition, std::span<const int64_t> frames,
                      Activation activation);

}  // namespace kine::kernels
