// Convolution and bias as one graph of cuDNN, channels last, over pictures or over videos. Not run on a device yet;
// plans are checked for an H200 without one. Only in builds with cuDNN.
#pragma once

#include "kernels/cudnn/graphs.h"
#include "kernels/cudnn/plugin/execution_plan.h"

namespace kine::kernels::cudnn {

ExecutionPlan plan_convolution(const Target& target, const ConvolutionGraph& graph);

}  // namespace kine::kernels::cudnn
