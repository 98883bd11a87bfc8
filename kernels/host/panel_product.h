// The product of rows with panels of 16 columns, f32: what products of matrices and blocks of attention have in common.
#pragma once

#include "kernels/host/micro_kernel.h"

namespace kine::kernels {

/// One panel [depth, 16], or two that are multiplied with at once; `second` null for none.
struct PanelPair {
    const float* first;
    const float* second;
};

/// sums [rows, 16 or 32] = or += left [rows, depth] x the panels. A row's sums have one order, that of the depth, which
/// differs between processors.
void multiply_panels(int64_t rows, int64_t depth, ConstMatrix left, PanelPair panels, MutableMatrix sums, Start start);

/// With AVX-512.
void multiply_panels_wide(int64_t rows, int64_t depth, ConstMatrix left, PanelPair panels, MutableMatrix sums,
                          Start start);

}  // namespace kine::kernels
