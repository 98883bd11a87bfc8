#include "kernels/cudnn/device_library.h"

#include "runtime/device/graph_recording.h"
#include "runtime/error.h"

#include <algorithm>

namespace kine::kernels::cudnn {

namespace {

void* open_handle(const Library& library, int device, int& capability) {
    void* handle = library.open(device, &capability);
    check(handle != nullptr, ErrorCode::Device, "cuDNN on cuda:{}: {} (KINE_CUDNN=off leaves it aside)", device,
          library.last_error());
    return handle;
}

}  // namespace

DeviceLibrary::DeviceLibrary(const Library& library, int device, size_t most_plans)
    : library_(library), most_plans_(most_plans), handle_(open_handle(library, device, capability_)) {}

DeviceLibrary::~DeviceLibrary() {
    plans_.clear();
    library_.close(handle_);
}

Plan DeviceLibrary::plan_for(const Graph& graph) {
    const std::lock_guard lock(mutex_);
    auto known = plans_.find(graph);
    if (known == plans_.end()) {
        const Plan plan = make(graph);
        if (plans_.size() >= most_plans_) forget_oldest();
        known = plans_.emplace(graph, Kept{plan}).first;
    }
    known->second.used = ++uses_;
    return known->second.plan;
}

Plan DeviceLibrary::make(const Graph& graph) {
    void* made = nullptr;
    const int answer = std::holds_alternative<AttentionGraph>(graph)
                           ? library_.plan_attention(handle_, &std::get<AttentionGraph>(graph), &made)
                           : library_.plan_convolution(handle_, &std::get<ConvolutionGraph>(graph), &made);
    check(answer >= 0, ErrorCode::Device, "cuDNN: {}", library_.last_error());
    if (answer == 0) return {};
    return {{made, library_.drop}, library_.workspace_bytes(made)};
}

void DeviceLibrary::forget_oldest() {
    plans_.erase(std::ranges::min_element(plans_, {}, [](const auto& entry) { return entry.second.used; }));
}

void DeviceLibrary::run(std::string_view op, const Plan& plan, std::span<const Binding> bindings, void* workspace,
                        Stream stream) {
    GraphRecording::hold(plan.made);  // its kernels go with it
    const std::lock_guard lock(mutex_);
    const int answer = library_.run(handle_, plan.made.get(), bindings.data(), static_cast<int>(bindings.size()),
                                    workspace, stream.handle);
    check(answer == 1, ErrorCode::Device, "{}: cuDNN: {}", op, library_.last_error());
}

DeviceLibrary* library_on(Device device) {
    // Never destroyed: the driver may be gone by the time that the process ends.
    static auto* const opened = new std::map<int, DeviceLibrary>;
    static std::mutex mutex;
    std::string reason;
    const Library* library = usable_library(reason);
    if (library == nullptr) return nullptr;
    const std::lock_guard lock(mutex);
    return &opened->try_emplace(device.index, *library, device.index).first->second;
}

}  // namespace kine::kernels::cudnn
