// Attention as one operation of cuDNN (unified SDPA node, from cuDNN 9.15 on), reading packed projections where they
// lie. Not run on a device yet; plans are checked for an H200 without one. Only in builds with cuDNN.
#pragma once

#include "kernels/cudnn/graphs.h"
#include "kernels/cudnn/plugin/execution_plan.h"

namespace kine::kernels::cudnn {

ExecutionPlan plan_attention(const Target& target, const AttentionGraph& graph);

}  // namespace kine::kernels::cudnn
