#include "kernels/attention/cudnn_attention.h"

#include "kernels/cuda/tensor_rows.h"
#include "kernels/cudnn/device_library.h"

#include <utility>
#include <vector>

namespace kine::kernels {

namespace {

int64_t batch_step(const Tensor& x, int axis) { return x.dim(axis) == 1 ? 0 : x.stride(axis); }

/// Log-sums are contiguous: `log_sums` of them lie between two of the axis.
BatchAxis batch_axis(const AttentionProblem& problem, int axis, int64_t log_sums) {
    return {problem.q.dim(axis),         batch_step(problem.q, axis),   batch_step(problem.k, axis),
            batch_step(problem.v, axis), batch_step(problem.out, axis), log_sums};
}

/// Takes an axis that shares its keys into the queries, where these go on from one batch to the next.
void join_queries(BatchAxis& axis, cudnn::AttentionGraph& graph) {
    const bool is_shared = axis.k == 0 && axis.v == 0;
    const bool goes_on = axis.q == graph.queries * graph.q.token && axis.out == graph.queries * graph.out.token;
    if (axis.count == 1 || !is_shared || !goes_on) return;
    graph.queries *= axis.count;
    axis = {};
}

/// Whether the inner axis, gone through, leads to the next of the outer.
bool are_one(const BatchAxis& outer, const BatchAxis& inner) {
    const int64_t count = inner.count;
    return outer.q == count * inner.q && outer.k == count * inner.k && outer.v == count * inner.v &&
           outer.out == count * inner.out;
}

/// A graph has no tensors that batches share.
bool may_be_of_a_graph(const BatchAxis& axis) { return axis.count == 1 || (axis.k != 0 && axis.v != 0); }

/// The strides of a lone batch mean nothing, so graphs that differ in them only are made equal.
cudnn::TokenStrides strides_of(const Tensor& x, int64_t batch, int64_t batches) {
    return {batches == 1 ? x.dim(2) * x.stride(2) : batch, x.stride(2), x.stride(3)};
}

cudnn::AttentionGraph graph_of_one(const AttentionProblem& problem) {
    cudnn::AttentionGraph graph;
    graph.queries = problem.queries();
    graph.keys = problem.keys();
    graph.heads = problem.heads();
    graph.head_size = problem.head_size();
    graph.q.token = problem.q.stride(2);
    graph.out.token = problem.out.stride(2);
    graph.writes_log_sums = static_cast<bool>(problem.log_sums);
    graph.dtype = problem.q.dtype();
    return graph;
}

/// What cuDNN's attention takes, whichever GPU runs it.
bool is_for_cudnn(const AttentionProblem& problem) {
    return problem.q.dtype() != DType::Float32 && !problem.bias && !problem.key_mask &&
           cuda::moves_by_words({&problem.q, &problem.k, &problem.v, &problem.out}) &&
           cuda::begins_at_a_word(problem.log_sums);
}

/// Whether every call's log-sums begin at a multiple of 16 bytes, as those of the first do.
bool keeps_words(const CudnnCalls& calls) {
    return !calls.graph.writes_log_sums || calls.each.count == 1 || calls.each.log_sums % 4 == 0;
}

int64_t widest_head(const cudnn::DeviceLibrary& library) {
    constexpr int kHopper = 9;
    return library.capability() == kHopper ? 256 : 128;
}

std::byte* beyond(const Tensor& x, int64_t elements) { return x.address() + elements * size_of(x.dtype()); }

std::vector<cudnn::Binding> bindings_of(const AttentionProblem& problem, const BatchAxis& each, int64_t index,
                                        float* scale) {
    std::vector<cudnn::Binding> bindings = {{cudnn::kQueries, beyond(problem.q, index * each.q)},
                                            {cudnn::kKeys, beyond(problem.k, index * each.k)},
                                            {cudnn::kValues, beyond(problem.v, index * each.v)},
                                            {cudnn::kOutput, beyond(problem.out, index * each.out)},
                                            {cudnn::kScale, scale}};
    if (problem.log_sums)
        bindings.push_back({cudnn::kLogSums, problem.log_sums.address<float>() + index * each.log_sums});
    return bindings;
}

}  // namespace

std::optional<CudnnCalls> cudnn_calls(const AttentionProblem& problem) {
    CudnnCalls calls{graph_of_one(problem), {}};
    cudnn::AttentionGraph& graph = calls.graph;
    const int64_t log_sums = problem.queries() * problem.heads();
    BatchAxis inner = batch_axis(problem, 1, log_sums);
    BatchAxis outer = batch_axis(problem, 0, log_sums * problem.q.dim(1));
    join_queries(inner, graph);
    if (inner.count == 1) join_queries(outer, graph);
    if (inner.count == 1 || (outer.count > 1 && !may_be_of_a_graph(inner))) std::swap(inner, outer);
    if (!may_be_of_a_graph(inner)) return std::nullopt;
    if (outer.count > 1 && are_one(outer, inner)) {
        inner.count *= outer.count;
        outer = {};
    }
    calls.each = outer;
    graph.batches = inner.count;
    graph.q = strides_of(problem.q, inner.q, inner.count);
    graph.k = strides_of(problem.k, inner.k, inner.count);
    graph.v = strides_of(problem.v, inner.v, inner.count);
    graph.out = strides_of(problem.out, inner.out, inner.count);
    return calls;
}

bool is_cudnn_attention(const AttentionProblem& problem) {
    if (!is_for_cudnn(problem)) return false;
    cudnn::DeviceLibrary* library = cudnn::library_on(problem.q.device());
    if (library == nullptr || problem.head_size() > widest_head(*library)) return false;
    const std::optional<CudnnCalls> calls = cudnn_calls(problem);
    return calls && keeps_words(*calls) && library->plan_for(calls->graph);
}

void cudnn_attention_device(const Context& context, AttentionProblem& problem) {
    const CudnnCalls calls = cudnn_calls(problem).value();
    cudnn::DeviceLibrary& library = *cudnn::library_on(context.device);
    const cudnn::Plan plan = library.plan_for(calls.graph);
    const Tensor workspace = Tensor::empty(context, {plan.workspace_bytes}, DType::UInt8);
    for (int64_t index = 0; index < calls.each.count; ++index)
        library.run("attention", plan, bindings_of(problem, calls.each, index, &problem.scale), workspace.address(),
                    context.stream);
}

}  // namespace kine::kernels
