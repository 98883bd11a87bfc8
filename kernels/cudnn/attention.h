// Attention as one operation of cuDNN (unified SDPA node, from cuDNN 9.15 on), reading packed projections where they
// lie. Not run on a device yet; plans are checked for an H200 without one. Only in builds with cuDNN.
#pragma once

#include "kernels/attention/variants.h"
#include "kernels/cudnn/plan.h"

namespace kine::kernels::cudnn {

/// Problems with the same graph share a plan; the memory comes with the call.
struct AttentionGraph {
    DType dtype = DType::BFloat16;
    Shape q, k;  ///< [B, H, L, D]
    std::vector<int64_t> q_strides, k_strides, v_strides, out_strides;
    bool writes_log_sums = false;

    bool operator==(const AttentionGraph&) const = default;
};

/// Numbers of the graph's places when pointers are handed over; the scale is a float of the host's.
enum AttentionPlace : int64_t { kQueries = 1, kKeys, kValues, kOutput, kScale, kLogSums };

/// What of `problem` is one call: all of its batches where they lie evenly, else those of one outer index.
/// Throws ErrorCode::Unsupported for a bias or a mask, which the node does not take.
AttentionGraph attention_graph(const AttentionProblem& problem);

Plan plan_attention(const Target& target, const AttentionGraph& graph);

}  // namespace kine::kernels::cudnn
