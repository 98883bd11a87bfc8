// What cuDNN does, by plain loops in host memory: the table of kernels/cudnn/library.h for tests of dispatch, whose
// emulated GPUs the real one cannot reach. It takes what the real one takes, and memory of an emulated GPU only.
#include "tests/support/device/emulated_cudnn.h"

#include "kernels/cudnn/library.h"
#include "runtime/tensor/dtype.h"
#include "tests/support/cuda/emulated_memory.h"
#include "tests/support/device/emulated_queue.h"
#include "tests/support/device/test_device.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <span>
#include <variant>
#include <vector>

namespace kine {

EmulatedCudnn& emulated_cudnn() {
    static EmulatedCudnn made;
    return made;
}

WithCudnn::WithCudnn() { emulated_cudnn().is_there = true; }
WithCudnn::~WithCudnn() { emulated_cudnn().is_there = false; }

namespace kernels::cudnn {

namespace {

thread_local const char* error = "";

int fail_with(const char* words, int answer = -1) {
    error = words;
    return answer;
}

struct Handle {
    std::atomic<bool> is_used = false;
};

struct Made {
    std::variant<AttentionGraph, ConvolutionGraph> graph;
    mutable std::atomic<bool> is_used = false;
};

constexpr int64_t kWorkspace = 256;

/// What is bound to a place, if it is memory of an emulated GPU from its first to its last element.
template <class T>
T* bound(std::span<const Binding> bindings, int64_t place, int64_t elements) {
    for (const Binding& binding : bindings) {
        if (binding.place != place) continue;
        const bool begins_well = std::bit_cast<uintptr_t>(binding.memory) % 16 == 0;
        const bool is_there = EmulatedMemory::holds(binding.memory, elements * static_cast<int64_t>(sizeof(T)));
        return begins_well && is_there ? static_cast<T*>(binding.memory) : nullptr;
    }
    return nullptr;
}

float* number_of_host(std::span<const Binding> bindings, int64_t place) {
    for (const Binding& binding : bindings) {
        if (binding.place == place && !EmulatedMemory::holds(binding.memory, 1)) {
            return static_cast<float*>(binding.memory);
        }
    }
    return nullptr;
}

bool may_run(const AttentionGraph& graph) {
    const int64_t widest = emulated_cudnn().capability == 9 ? 256 : 128;
    bool moves = graph.head_size % 8 == 0 && graph.head_size <= widest;
    for (const TokenStrides& strides : {graph.q, graph.k, graph.v, graph.out})
        for (const int64_t stride : {strides.batch, strides.token, strides.head})
            moves = moves && stride > 0 && stride % 8 == 0;
    return moves && graph.batches > 0 && graph.queries > 0 && graph.keys > 0 && graph.heads > 0;
}

int64_t elements_of(const AttentionGraph& graph, const TokenStrides& strides, int64_t tokens) {
    return (graph.batches - 1) * strides.batch + (tokens - 1) * strides.token + (graph.heads - 1) * strides.head +
           graph.head_size;
}

template <class T>
struct Heads {
    const T *q, *k, *v;
    T* out;
    float* log_sums;
    float scale;
};

template <class T>
void attend(const AttentionGraph& graph, const Heads<T>& heads, int64_t batch, int64_t query, int64_t head) {
    const auto at = [&](const TokenStrides& s, int64_t token) {
        return batch * s.batch + token * s.token + head * s.head;
    };
    std::vector<double> weights(static_cast<size_t>(graph.keys));
    for (int64_t key = 0; key < graph.keys; ++key) {
        double& weight = weights[static_cast<size_t>(key)] = 0.0;
        for (int64_t d = 0; d < graph.head_size; ++d)
            weight += double{heads.q[at(graph.q, query) + d]} * double{heads.k[at(graph.k, key) + d]};
        weight *= double{heads.scale};
    }
    const double largest = *std::ranges::max_element(weights);
    double sum = 0.0;
    for (double& weight : weights) sum += weight = std::exp(weight - largest);
    for (int64_t d = 0; d < graph.head_size; ++d) {
        double mixed = 0.0;
        for (int64_t key = 0; key < graph.keys; ++key)
            mixed += weights[static_cast<size_t>(key)] * double{heads.v[at(graph.v, key) + d]};
        heads.out[at(graph.out, query) + d] = T(static_cast<float>(mixed / sum));
    }
    if (heads.log_sums)
        heads.log_sums[(batch * graph.queries + query) * graph.heads + head] =
            static_cast<float>(largest + std::log(sum));
}

template <class T>
int run_as(const AttentionGraph& graph, std::span<const Binding> bindings) {
    const Heads<T> heads = {bound<T>(bindings, kQueries, elements_of(graph, graph.q, graph.queries)),
                            bound<T>(bindings, kKeys, elements_of(graph, graph.k, graph.keys)),
                            bound<T>(bindings, kValues, elements_of(graph, graph.v, graph.keys)),
                            bound<T>(bindings, kOutput, elements_of(graph, graph.out, graph.queries)),
                            bound<float>(bindings, kLogSums, graph.batches * graph.queries * graph.heads),
                            *number_of_host(bindings, kScale)};
    const bool has_all = heads.q && heads.k && heads.v && heads.out && (heads.log_sums || !graph.writes_log_sums);
    if (!has_all) return fail_with("a tensor is not where its GPU reaches it");
    for (int64_t batch = 0; batch < graph.batches; ++batch)
        for (int64_t query = 0; query < graph.queries; ++query)
            for (int64_t head = 0; head < graph.heads; ++head) attend(graph, heads, batch, query, head);
    return 1;
}

bool may_run(const ConvolutionGraph& graph) {
    bool moves = graph.batches > 0 && graph.channels > 0 && graph.out_channels > 0;
    if (graph.has_residual && emulated_cudnn().refuses_residuals) return false;
    for (int axis = 0; axis < graph.rank; ++axis) moves = moves && graph.axes[static_cast<size_t>(axis)].windows() > 0;
    return moves;
}

/// A picture is a clip of one frame.
ConvolutionGraph as_clip(const ConvolutionGraph& graph) {
    if (graph.rank == 3) return graph;
    ConvolutionGraph clip = graph;
    clip.rank = 3;
    clip.axes = {WindowedAxis{}, graph.axes[0], graph.axes[1]};
    return clip;
}

/// Where a window's element lies on its axis, or -1 in the zeros around.
int64_t place_on(const WindowedAxis& axis, int64_t window, int64_t element) {
    const int64_t place = window * axis.step - axis.before + element;
    return place < axis.size ? std::max<int64_t>(place, -1) : -1;
}

template <class T>
struct Picture {
    const T *x, *weight;
    const T *bias, *residual;
    T* out;
};

using Place = std::array<int64_t, 3>;

/// The sum of one window, of one batch, for one channel of the result.
template <class T>
float sum_of(const ConvolutionGraph& clip, const Picture<T>& of, int64_t batch, const Place& window,
             int64_t out_channel) {
    const auto& [frames, rows, columns] = clip.axes;
    const int64_t elements = frames.window * rows.window * columns.window;
    float sum = clip.has_bias ? float{of.bias[out_channel]} : 0.0f;
    for (int64_t element = 0; element < elements; ++element) {
        const int64_t frame = place_on(frames, window[0], element / (rows.window * columns.window));
        const int64_t row = place_on(rows, window[1], element / columns.window % rows.window);
        const int64_t column = place_on(columns, window[2], element % columns.window);
        if (frame < 0 || row < 0 || column < 0) continue;
        const int64_t pixel = ((batch * frames.size + frame) * rows.size + row) * columns.size + column;
        const T* x = of.x + pixel * clip.channels;
        const T* weight = of.weight + (out_channel * elements + element) * clip.channels;
        for (int64_t channel = 0; channel < clip.channels; ++channel) sum += float{x[channel]} * float{weight[channel]};
    }
    return sum;
}

template <class T>
int run_as(const ConvolutionGraph& graph, std::span<const Binding> bindings) {
    const ConvolutionGraph clip = as_clip(graph);
    const auto& [frames, rows, columns] = clip.axes;
    const int64_t windows = frames.windows() * rows.windows() * columns.windows();
    const Picture<T> picture = {
        bound<T>(bindings, kInput, clip.batches * frames.size * rows.size * columns.size * clip.channels),
        bound<T>(bindings, kWeight, clip.out_channels * frames.window * rows.window * columns.window * clip.channels),
        bound<T>(bindings, kBias, clip.out_channels),
        bound<T>(bindings, kResidual, clip.batches * windows * clip.out_channels),
        bound<T>(bindings, kResult, clip.batches * windows * clip.out_channels)};
    if (!picture.x || !picture.weight || !picture.out || (clip.has_bias && !picture.bias) ||
        (clip.has_residual && !picture.residual))
        return fail_with("a tensor is not where its GPU reaches it");
    for (int64_t at = 0; at < clip.batches * windows * clip.out_channels; ++at) {
        const int64_t window = at / clip.out_channels % windows;
        const Place place = {window / (rows.windows() * columns.windows()), window / columns.windows() % rows.windows(),
                             window % columns.windows()};
        const float sum = sum_of(clip, picture, at / clip.out_channels / windows, place, at % clip.out_channels);
        picture.out[at] = T(clip.has_residual ? sum + float{picture.residual[at]} : sum);
    }
    return 1;
}

template <class Graph>
int run_graph(const Graph& graph, std::span<const Binding> bindings) {
    return graph.dtype == DType::Float16 ? run_as<Float16>(graph, bindings) : run_as<BFloat16>(graph, bindings);
}

int64_t version() { return emulated_cudnn().version; }

void* open(int, int* capability) {
    ++emulated_cudnn().handles;
    *capability = emulated_cudnn().capability;
    return new Handle;
}

void close(void* handle) {
    --emulated_cudnn().handles;
    delete static_cast<Handle*>(handle);
}

/// Says that two threads are at it, where the real one would do anything.
class Use {
  public:
    explicit Use(std::atomic<bool>& is_used) : is_used_(is_used), is_alone_(!is_used.exchange(true)) {}
    ~Use() {
        if (is_alone_) is_used_ = false;
    }
    bool is_alone() const { return is_alone_; }

  private:
    std::atomic<bool>& is_used_;
    bool is_alone_;
};

template <class Graph>
int make_plan(void* handle, const Graph* graph, void** plan) {
    const Use use(static_cast<Handle*>(handle)->is_used);
    if (!use.is_alone()) return fail_with("two threads share a handle");
    ++emulated_cudnn().plans;
    if (emulated_cudnn().refuses_plans || !may_run(*graph)) return fail_with("no engine for this graph", 0);
    ++emulated_cudnn().kept;
    *plan = new Made{*graph};
    return 1;
}

int plan_attention(void* handle, const AttentionGraph* graph, void** plan) { return make_plan(handle, graph, plan); }

int plan_convolution(void* handle, const ConvolutionGraph* graph, void** plan) {
    return make_plan(handle, graph, plan);
}

int64_t workspace_bytes(const void*) { return kWorkspace; }

/// Bindings for later. Numbers of the host are read when work is enqueued.
class Held {
  public:
    explicit Held(std::span<const Binding> given) : bindings_(given.begin(), given.end()) {
        for (Binding& binding : bindings_) {
            if (binding.memory == nullptr || EmulatedMemory::holds(binding.memory, 1)) continue;
            numbers_.push_back(std::make_shared<float>(*static_cast<const float*>(binding.memory)));
            binding.memory = numbers_.back().get();
        }
    }
    std::span<const Binding> bindings() const { return bindings_; }

  private:
    std::vector<Binding> bindings_;
    std::vector<std::shared_ptr<float>> numbers_;
};

int run(void* handle, const void* plan, const Binding* bindings, int count, void* workspace, void* stream) {
    const auto& made = *static_cast<const Made*>(plan);
    const Use use(static_cast<Handle*>(handle)->is_used), of_plan(made.is_used);
    if (!use.is_alone() || !of_plan.is_alone()) return fail_with("two threads share a handle or a plan");
    ++emulated_cudnn().runs;
    if (emulated_cudnn().fails_runs) return fail_with("CUDNN_STATUS_EXECUTION_FAILED");
    if (!EmulatedMemory::holds(workspace, kWorkspace)) return fail_with("the workspace is not the GPU's");
    const auto answer = std::make_shared<int>(1);  // of work that is put off, that it could be
    enqueue({stream}, [answer, held = Held({bindings, static_cast<size_t>(count)}), all = made.graph] {
        *answer = std::visit([&](const auto& graph) { return run_graph(graph, held.bindings()); }, all);
    });
    return *answer;
}

void drop(void* plan) {
    --emulated_cudnn().kept;
    delete static_cast<Made*>(plan);
}

const char* last_error() { return error; }

}  // namespace

const Library* load_library(std::string& reason) {
    static const Library library = {version,         open, close, plan_attention, plan_convolution,
                                    workspace_bytes, run,  drop,  last_error};
    reason = emulated_cudnn().is_there ? "" : "libcudnn.so.9 is not there";
    return emulated_cudnn().is_there ? &library : nullptr;
}

}  // namespace kernels::cudnn
}  // namespace kine
