#include "kernels/cudnn/attention.h"

namespace kine::kernels::cudnn {

namespace {

/// Whether the two batch axes are one with even steps.
bool is_even(const Tensor& x) { return x.dim(0) == 1 || x.stride(0) == x.dim(1) * x.stride(1); }

/// Of [B1, B2, L, H, D] as [B, H, L, D].
std::vector<int64_t> strides_of(const Tensor& x) { return {x.stride(1), x.stride(3), x.stride(2), 1}; }

Shape shape_of(const Tensor& x, bool is_whole) {
    return {is_whole ? x.dim(0) * x.dim(1) : x.dim(1), x.dim(3), x.dim(2), x.dim(4)};
}

Descriptor scale_tensor() { return make_tensor({kScale, {1, 1, 1, 1}, {1, 1, 1, 1}, DType::Float32, false, true}); }

/// Log-sums [B, L, H], as merges of rings read them.
GraphTensor log_sums(const AttentionGraph& graph) {
    const int64_t batches = graph.q[0], heads = graph.q[1], queries = graph.q[2];
    return {kLogSums, {batches, heads, queries, 1}, {queries * heads, 1, heads, 1}, DType::Float32};
}

}  // namespace

AttentionGraph attention_graph(const AttentionProblem& problem) {
    kine::check(!problem.bias && !problem.key_mask, ErrorCode::Unsupported, "cuDNN's attention takes no {}",
                problem.bias ? "bias" : "mask of keys");
    const Tensor &q = problem.q, &k = problem.k;
    const bool is_whole = is_even(q) && is_even(k) && is_even(problem.v) && is_even(problem.out) &&
                          k.dim(0) == q.dim(0) && k.dim(1) == q.dim(1);
    return {.dtype = q.dtype(),
            .q = shape_of(q, is_whole),
            .k = shape_of(k, is_whole),
            .q_strides = strides_of(q),
            .k_strides = strides_of(k),
            .v_strides = strides_of(problem.v),
            .out_strides = strides_of(problem.out),
            .writes_log_sums = static_cast<bool>(problem.log_sums)};
}

Plan plan_attention(const Target& target, const AttentionGraph& graph) {
    const Descriptor q = make_tensor({kQueries, graph.q, graph.q_strides, graph.dtype});
    const Descriptor k = make_tensor({kKeys, graph.k, graph.k_strides, graph.dtype});
    const Descriptor v = make_tensor({kValues, graph.k, graph.v_strides, graph.dtype});
    const Descriptor out = make_tensor({kOutput, graph.q, graph.out_strides, graph.dtype});
    const Descriptor scale = scale_tensor();
    const Descriptor sums = make_tensor(log_sums(graph));
    std::vector<Descriptor> operations;
    Descriptor& attention = operations.emplace_back(CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR);
    attention.set(CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, q);
    attention.set(CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, k);
    attention.set(CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, v);
    attention.set(CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, out);
    attention.set(CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, scale);
    if (graph.writes_log_sums) attention.set(CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC, sums);
    attention.finish();
    return Plan(target, operations);
}

}  // namespace kine::kernels::cudnn
