// Shift, scale and gate of a block's two halves, from a learned table plus the projected timestep
// (adaLN-single, PixArt-alpha, Chen et al. 2023, section 2.3).
#pragma once

#include "kernels/norm/norm.h"
#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::dit {

/// Rows [B, C] in f32.
struct HalfModulation {
    Tensor shift;
    Tensor scale;
    Tensor gate;

    kernels::RowNorm norm(float eps) const { return {{}, {}, shift, scale, eps}; }
};

struct Modulation {
    HalfModulation attention;
    HalfModulation mlp;
};

/// table [6, C] + time [B, 6, C], rows in the order shift, scale, gate of attention, then of the MLP.
Modulation block_modulation(const Context& context, const Tensor& table, const Tensor& time);

/// Shift and scale before the last linear layer.
struct FinalModulation {
    Tensor shift;  // [B, C] f32
    Tensor scale;

    kernels::RowNorm norm(float eps) const { return {{}, {}, shift, scale, eps}; }
};

/// table [2, C] + embedded [B, C], the timestep before any block's projection.
FinalModulation final_modulation(const Context& context, const Tensor& table, const Tensor& embedded);

}  // namespace kine::dit
