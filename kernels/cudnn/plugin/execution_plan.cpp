#include "kernels/cudnn/plugin/execution_plan.h"

#include <array>
#include <optional>

namespace kine::kernels::cudnn {

namespace {

constexpr int64_t kMostProposals = 8;
constexpr int64_t kAlignment = 16;  // bytes, of every tensor of ours

Descriptor make_graph(const Target& target, std::span<const Descriptor> operations) {
    std::vector<cudnnBackendDescriptor_t> handles;
    for (const Descriptor& operation : operations) handles.push_back(operation.get());
    Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<int64_t>(handles.size()),
              handles.data());
    if (target.handle != nullptr) graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &target.handle);
    graph.finish();
    return graph;
}

std::optional<Descriptor> make_device(const Target& target) {
    if (target.handle != nullptr) return std::nullopt;
    Descriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    device.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, static_cast<int64_t>(target.device.size()),
               target.device.data());
    device.finish();
    return device;
}

std::vector<Descriptor> propose(const Descriptor& graph, const Descriptor* device) {
    Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    const cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
    heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (device != nullptr) heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *device);
    heuristics.finish();
    std::vector<Descriptor> proposals;
    std::vector<cudnnBackendDescriptor_t> handles;
    for (int64_t i = 0; i < kMostProposals; ++i)
        handles.push_back(proposals.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR).get());
    int64_t count = 0;
    check(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                   kMostProposals, &count, handles.data()),
          "its proposals");
    while (static_cast<int64_t>(proposals.size()) > count) proposals.pop_back();
    return proposals;
}

/// The same memory gives the same bits each time, and sums are f32 to their end.
void check_promises(const Descriptor& proposal) {
    const Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendDescriptor_t place = engine.get();
    int64_t count = 0;
    check(cudnnBackendGetAttribute(proposal.get(), CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                   &count, static_cast<void*>(&place)),
          "an engine");
    std::array<cudnnBackendNumericalNote_t, CUDNN_NUMERICAL_NOTE_TYPE_COUNT> notes = {};
    check(cudnnBackendGetAttribute(engine.get(), CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                   static_cast<int64_t>(notes.size()), &count, notes.data()),
          "an engine's notes");
    for (const cudnnBackendNumericalNote_t note : std::span(notes).first(static_cast<size_t>(count)))
        kine::check(
            note != CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC && note != CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION,
            ErrorCode::Unsupported, "its engine breaks our promises");
}

Descriptor finish_plan(const Target& target, const Descriptor* device, const Descriptor& proposal) {
    check_promises(proposal);
    Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, proposal);
    if (device != nullptr) plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *device);
    if (target.handle != nullptr) plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &target.handle);
    plan.finish();
    return plan;
}

Descriptor make_plan(const Target& target, std::span<const Descriptor> operations, int64_t most_workspace) {
    const Descriptor graph = make_graph(target, operations);
    const std::optional<Descriptor> device = make_device(target);
    const Descriptor* described = device ? &*device : nullptr;
    std::string reason = "it proposes nothing";
    for (const Descriptor& proposal : propose(graph, described)) {
        try {
            Descriptor plan = finish_plan(target, described, proposal);
            const int64_t workspace = plan.number(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
            kine::check(workspace <= most_workspace, ErrorCode::Unsupported, "it wants {} bytes", workspace);
            return plan;
        } catch (const Error& error) {
            reason = error.what();
        }
    }
    fail(ErrorCode::Unsupported, "cuDNN {} has no plan for this graph: {}", cudnnGetVersion(), reason);
}

}  // namespace

Descriptor make_tensor(const GraphTensor& tensor) {
    Descriptor result(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    result.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, tensor.id);
    result.set(CUDNN_ATTR_TENSOR_DATA_TYPE, tensor.dtype);
    result.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kAlignment);
    result.set(CUDNN_ATTR_TENSOR_DIMENSIONS, tensor.sizes);
    result.set(CUDNN_ATTR_TENSOR_STRIDES, tensor.strides);
    if (tensor.is_virtual) result.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, true);
    if (tensor.is_by_value) result.set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, true);
    result.finish();
    return result;
}

ExecutionPlan::ExecutionPlan(const Target& target, std::span<const Descriptor> operations, int64_t most_workspace)
    : plan_(make_plan(target, operations, most_workspace)),
      workspace_bytes_(plan_.number(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE)) {}

void ExecutionPlan::run(cudnnHandle_t handle, std::span<const int64_t> ids, std::span<void* const> pointers,
                        void* workspace) const {
    Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids);
    pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, static_cast<int64_t>(pointers.size()),
             pointers.data());
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    pack.finish();
    check(cudnnBackendExecute(handle, plan_.get(), pack.get()), "running a plan");
}

}  // namespace kine::kernels::cudnn
