// Convolution and bias as one graph of cuDNN, channels last, over pictures or over videos. Not run on a device yet;
// plans are checked for an H200 without one. Only in builds with cuDNN.
#pragma once

#include "kernels/cudnn/plan.h"

namespace kine::kernels::cudnn {

/// Windows over the axes between the first and the last. Causal convolutions over time have their past in front of the
/// input, so they pad nothing there.
struct ConvolutionGraph {
    DType dtype = DType::BFloat16;
    Shape input;               ///< [N, Y, X, C] or [N, T, Y, X, C]
    int64_t out_channels = 0;  ///< C'
    Shape window;              ///< of each windowed axis, and likewise:
    Shape steps = {};
    Shape before = {}, after = {};  ///< zeros around

    Shape output() const;  ///< [N, ..., C']
};

/// Weights are [C', window..., C], the bias [C'] f32.
enum ConvolutionPlace : int64_t { kInput = 1, kWeight, kBias, kResult, kSums };

Plan plan_convolution(const Target& target, const ConvolutionGraph& graph);

}  // namespace kine::kernels::cudnn
