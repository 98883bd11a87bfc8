// norm.h on a GPU, from tensors to launches.
#pragma once

#include "kernels/norm/norm.h"

namespace kine::kernels {

/// A norm of rows, mean or not, then what there is of * weight + bias and * (1 + scale) + shift.
struct DeviceNorm {
    RowNorm row;
    bool subtracts_mean = true;
};

/// x contiguous; a fresh result.
Tensor norm_rows_device(const Context& context, const Tensor& x, const DeviceNorm& norm);
/// Both contiguous, x over itself where it is unique. The sum is rounded before it is normalised.
SumAndNorm gate_residual_norm_device(const Context& context, Tensor x, const Tensor& gate, const Tensor& y,
                                     const RowNorm& norm);
/// x of any strides with the last axis contiguous.
void norm_rows_in_place_device(const Context& context, Tensor& x, const DeviceNorm& norm);
/// x / sqrt(squares / channels + eps) * weight with sums of squares that are known.
void rms_rows_in_place_device(const Context& context, Tensor& x, const Tensor& weight, float eps,
                              const WholeRows& whole);
Tensor sums_of_squares_device(const Context& context, const Tensor& x);
Tensor group_norm_device(const Context& context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                         int64_t groups, float eps, Activation activation);

}  // namespace kine::kernels
