#include "kernels/cudnn/plugin/attention.h"

#include "kernels/scratch.h"

namespace kine::kernels::cudnn {

namespace {

/// [B, H, L, D], as cuDNN names the axes.
GraphTensor heads_of(int64_t id, const AttentionGraph& graph, int64_t tokens, const TokenStrides& strides) {
    return {id,
            {graph.batches, graph.heads, tokens, graph.head_size},
            {strides.batch, strides.head, strides.token, 1},
            type_of(graph.dtype)};
}

/// [B, L, H], as merges of rings read them.
GraphTensor log_sums_of(const AttentionGraph& graph) {
    return {kLogSums,
            {graph.batches, graph.heads, graph.queries, 1},
            {graph.queries * graph.heads, 1, graph.heads, 1},
            CUDNN_DATA_FLOAT};
}

GraphTensor one_number(int64_t id) {
    GraphTensor number{id, {1, 1, 1, 1}, {1, 1, 1, 1}, CUDNN_DATA_FLOAT};
    number.is_by_value = true;
    return number;
}

}  // namespace

ExecutionPlan plan_attention(const Target& target, const AttentionGraph& graph) {
    const Descriptor q = make_tensor(heads_of(kQueries, graph, graph.queries, graph.q));
    const Descriptor k = make_tensor(heads_of(kKeys, graph, graph.keys, graph.k));
    const Descriptor v = make_tensor(heads_of(kValues, graph, graph.keys, graph.v));
    const Descriptor out = make_tensor(heads_of(kOutput, graph, graph.queries, graph.out));
    const Descriptor scale = make_tensor(one_number(kScale));
    const Descriptor sums = make_tensor(log_sums_of(graph));
    std::vector<Descriptor> operations;
    Descriptor& attention = operations.emplace_back(CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR);
    attention.set(CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, q);
    attention.set(CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, k);
    attention.set(CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, v);
    attention.set(CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, out);
    attention.set(CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, scale);
    if (graph.writes_log_sums) attention.set(CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC, sums);
    attention.finish();
    return ExecutionPlan(target, operations, kDeviceProductBytes);
}

}  // namespace kine::kernels::cudnn
