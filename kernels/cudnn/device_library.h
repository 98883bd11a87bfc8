// cuDNN of one GPU: plans made once for each graph and kept, whoever asks.
#pragma once

#include "kernels/cudnn/library.h"
#include "runtime/device/device.h"
#include "runtime/device/stream.h"

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <variant>

namespace kine::kernels::cudnn {

using Graph = std::variant<AttentionGraph, ConvolutionGraph>;

/// Empty where cuDNN has none for the graph.
struct Plan {
    std::shared_ptr<const void> made;
    int64_t workspace_bytes = 0;

    explicit operator bool() const { return made != nullptr; }
};

/// A run asks for some dozens of graphs; what was not used for longest goes first.
inline constexpr size_t kMostPlans = 256;

/// Safe for several threads, each with a queue of its own: one at a time makes a plan or enqueues one, since neither a
/// handle nor every plan of cuDNN's bears two. Enqueuing takes microseconds. A plan of attention takes most of a second
/// to make, and those who wait for it want the same one as a rule.
class DeviceLibrary {
  public:
    /// ErrorCode::Device where cuDNN cannot use the GPU.
    DeviceLibrary(const Library& library, int device, size_t most_plans = kMostPlans);
    ~DeviceLibrary();
    DeviceLibrary(const DeviceLibrary&) = delete;
    DeviceLibrary& operator=(const DeviceLibrary&) = delete;

    /// The first number of the GPU's compute capability.
    int capability() const { return capability_; }
    /// Made when it is first asked for; that there is none is remembered too.
    Plan plan_for(const Graph& graph);
    /// Enqueues it. ErrorCode::Device where that fails; the message names `op`.
    void run(std::string_view op, const Plan& plan, std::span<const Binding> bindings, void* workspace, Stream stream);

  private:
    struct Kept {
        Plan plan;
        uint64_t used = 0;
    };
    Plan make(const Graph& graph);
    void forget_oldest();

    const Library& library_;
    size_t most_plans_;
    int capability_ = 0;
    void* handle_;
    std::mutex mutex_;  // of all below, and of the handle
    std::map<Graph, Kept> plans_;
    uint64_t uses_ = 0;
};

/// Of a GPU, for as long as the process lives; null where this machine has no cuDNN that we use.
DeviceLibrary* library_on(Device device);

}  // namespace kine::kernels::cudnn
