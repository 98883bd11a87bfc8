// Normalisation, with what follows it in one pass over the tensor. Statistics in f32 (two passes: mean, then variance).
#pragma once

#include "kernels/linear/linear.h"
#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

/// LayerNorm(x) * (1 + scale) + shift over the last axis. x [B, ..., C]; shift, scale [B, C], or [B * T, C] for
/// x [B, T, ..., C], of any floating dtype and any row stride (slices of a modulation table); both empty: plain
/// LayerNorm without weights.
Tensor norm_modulate(const Context& context, const Tensor& x, const Tensor& shift, const Tensor& scale, float eps);

/// LayerNorm with weights. x [..., C], weight, bias [C]; bias may be empty.
Tensor layer_norm(const Context& context, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps);

/// The same in place. x may have any strides with the last axis contiguous (the heads of packed projections), uniquely
/// owned or a view of a tensor that is.
void layer_norm_in_place(const Context& context, Tensor& x, const Tensor& weight, const Tensor& bias, float eps);

/// A layer norm's own weights [C].
struct NormWeights {
    Tensor weight;
    Tensor bias;
    float eps = 1e-5f;
};
/// LayerNorm with weights, then * (1 + scale) + shift as norm_modulate does it, in one pass.
Tensor layer_norm_modulate(const Context& context, const Tensor& x, const NormWeights& norm, const Tensor& shift,
                           const Tensor& scale);

/// One of the three above, by what of it there is: nothing, shift and scale, weight, weight and bias, or all four.
struct RowNorm {
    Tensor weight = {}, bias = {};  ///< [C]
    Tensor shift = {}, scale = {};  ///< as of norm_modulate
    float eps = 1e-5f;
};
Tensor row_norm(const Context& context, const Tensor& x, const RowNorm& norm);

struct SumAndNorm {
    Tensor sum;
    Tensor normed;
};
/// gate_residual (elementwise.h) and row_norm of the sum; one pass on a GPU. `sum` lies where x did if that was handed
/// over.
SumAndNorm gate_residual_norm(const Context& context, Tensor x, const Tensor& gate, const Tensor& y,
                              const RowNorm& norm);

/// x / sqrt(mean(x^2) + eps) * weight over the last axis (T5, QK-norm). x [..., C], weight [C].
Tensor rms_norm(const Context& context, const Tensor& x, const Tensor& weight, float eps);
/// The same in place. x may have any strides with the last axis contiguous (the heads of packed projections), uniquely
/// owned or a view of a tensor that is.
void rms_norm_in_place(const Context& context, Tensor& x, const Tensor& weight, float eps);

/// Sums of squares over the last axis, f32: [..., C] -> [..., 1]. x as for rms_norm_in_place.
Tensor sums_of_squares(const Context& context, const Tensor& x);
/// Rows of which only some channels are here.
struct WholeRows {
    Tensor squares;  ///< f32 [..., 1], sums over all their channels
    int64_t channels = 0;
};
/// rms_norm_in_place of the channels that are here. x [..., C of the whole rows' channels], weight [C].
void rms_norm_in_place(const Context& context, Tensor& x, const Tensor& weight, float eps, const WholeRows& whole);

/// Channels-last group norm and activation: x [N, ..., C] (N pictures, the axes between are positions), weight, bias
/// [C]; statistics over positions and the channels of each group. Activation None or Silu.
Tensor group_norm(const Context& context, const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t groups,
                  float eps, Activation activation = Activation::None);

}  // namespace kine::kernels
