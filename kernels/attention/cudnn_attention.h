// Attention by cuDNN, where a GPU has it: problems as its graphs. Not run on a device yet.
#pragma once

#include "kernels/attention/variants.h"
#include "kernels/cudnn/graphs.h"

#include <optional>

namespace kine::kernels {

/// One of the two axes of batches: elements from one to the next in each tensor, 0 in keys that all share.
struct BatchAxis {
    int64_t count = 1;
    int64_t q = 0, k = 0, v = 0, out = 0, log_sums = 0;
};

/// A problem as `each.count` calls of one graph.
struct CudnnCalls {
    cudnn::AttentionGraph graph;
    BatchAxis each;
};

/// Batches that share their keys are more queries of one batch, those that lie evenly are one call; what is left of the
/// two axes is a call for each index. None where keys that are shared leave no axis to the graph.
std::optional<CudnnCalls> cudnn_calls(const AttentionProblem& problem);

/// Whether the problem's GPU has a cuDNN with a plan for it. The first who asks waits until the plan is made.
bool is_cudnn_attention(const AttentionProblem& problem);
void cudnn_attention_device(const Context& context, AttentionProblem& problem);

}  // namespace kine::kernels
