// norm.h on a GPU, from tensors to launches.
#pragma once

#include "kernels/norm/norm.h"

namespace kine::kernels {

/// What a norm of rows does: mean or not, then * weight + bias, then * (1 + scale) + shift, each where there is one; of
/// any floating dtype, one row for each of equal runs of rows.
struct DeviceNorm {
    Tensor weight, bias;
    Tensor shift, scale;
    float eps = 0.0f;
    bool subtracts_mean = true;
};

/// x contiguous; a fresh result.
Tensor norm_rows_device(const Context& context, const Tensor& x, const DeviceNorm& norm);
/// Both contiguous, x over itself where it is unique. The sum is rounded before it is normalised.
SumAndNorm gate_residual_norm_device(const Context& context, Tensor x, const Tensor& gate, const Tensor& y,
                                     const DeviceNorm& norm);
/// x of any strides with the last axis contiguous.
void norm_rows_in_place_device(const Context& context, Tensor& x, const DeviceNorm& norm);
/// x / sqrt(squares / channels + eps) * weight with sums of squares that are known.
void rms_rows_in_place_device(const Context& context, Tensor& x, const Tensor& weight, float eps,
                              const WholeRows& whole);
Tensor sums_of_squares_device(const Context& context, const Tensor& x);
Tensor group_norm_device(const Context& context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                         int64_t groups, float eps, Activation activation);

}  // namespace kine::kernels
