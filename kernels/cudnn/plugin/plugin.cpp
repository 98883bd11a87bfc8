// libkinescope_cudnn.so: the table of kernels/cudnn/library.h over cuDNN. No exception leaves it.
#include "kernels/cudnn/library.h"
#include "kernels/cudnn/plugin/attention.h"
#include "kernels/cudnn/plugin/convolution.h"

#include <cuda_runtime_api.h>
#include <memory>

namespace {

using kine::kernels::cudnn::AttentionGraph;
using kine::kernels::cudnn::Binding;
using kine::kernels::cudnn::check;
using kine::kernels::cudnn::ConvolutionGraph;
using kine::kernels::cudnn::ExecutionPlan;
using kine::kernels::cudnn::Library;

thread_local std::string error;

void check_cuda(cudaError_t result) {
    kine::check(result == cudaSuccess, kine::ErrorCode::Device, "CUDA: {}", cudaGetErrorString(result));
}

/// Says what it threw, as the table does: 0 where cuDNN refuses, -1 for anything else.
template <class Work>
int told(const Work& work) {
    try {
        work();
        return 1;
    } catch (const kine::Error& thrown) {
        error = thrown.what();
        return thrown.code() == kine::ErrorCode::Unsupported ? 0 : -1;
    } catch (const std::exception& thrown) {
        error = thrown.what();
        return -1;
    }
}

struct Handle {
    explicit Handle(int of_device) : device(of_device) {
        check_cuda(cudaSetDevice(device));
        check(cudnnCreate(&handle), "opening it");
    }
    ~Handle() {
        if (cudaSetDevice(device) == cudaSuccess) cudnnDestroy(handle);
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    int device;
    cudnnHandle_t handle = nullptr;
};

struct Made {
    int device;
    ExecutionPlan plan;
};

Handle& of(void* handle) { return *static_cast<Handle*>(handle); }

int64_t version() { return static_cast<int64_t>(cudnnGetVersion()); }

void* open(int device, int* capability) {
    std::unique_ptr<Handle> opened;
    const int answer = told([&] {
        check_cuda(cudaDeviceGetAttribute(capability, cudaDevAttrComputeCapabilityMajor, device));
        opened = std::make_unique<Handle>(device);
    });
    return answer == 1 ? opened.release() : nullptr;
}

void close(void* handle) { const std::unique_ptr<Handle> held(&of(handle)); }

template <class Graph>
int make_plan(void* handle, ExecutionPlan (*make)(const kine::kernels::cudnn::Target&, const Graph&),
              const Graph* graph, void** plan) {
    return told([&] {
        check_cuda(cudaSetDevice(of(handle).device));
        *plan = new Made{of(handle).device, make({of(handle).handle, ""}, *graph)};
    });
}

int plan_attention(void* handle, const AttentionGraph* graph, void** plan) {
    return make_plan(handle, kine::kernels::cudnn::plan_attention, graph, plan);
}

int plan_convolution(void* handle, const ConvolutionGraph* graph, void** plan) {
    return make_plan(handle, kine::kernels::cudnn::plan_convolution, graph, plan);
}

int64_t workspace_bytes(const void* plan) { return static_cast<const Made*>(plan)->plan.workspace_bytes(); }

int run(void* handle, const void* plan, const Binding* bindings, int count, void* workspace, void* stream) {
    return told([&] {
        check_cuda(cudaSetDevice(of(handle).device));
        check(cudnnSetStream(of(handle).handle, static_cast<cudaStream_t>(stream)), "its queue");
        std::vector<int64_t> places;
        std::vector<void*> memory;
        for (int i = 0; i < count; ++i) {
            places.push_back(bindings[i].place);
            memory.push_back(bindings[i].memory);
        }
        static_cast<const Made*>(plan)->plan.run(of(handle).handle, places, memory, workspace);
        check(cudnnSetStream(of(handle).handle, nullptr), "no queue");  // the handle outlives the caller's
    });
}

/// Kernels go with their plan, so the GPU is to be done with them.
void drop(void* plan) {
    const std::unique_ptr<Made> held(static_cast<Made*>(plan));
    if (cudaSetDevice(held->device) == cudaSuccess) cudaDeviceSynchronize();
}

const char* last_error() { return error.c_str(); }

}  // namespace

extern "C" __attribute__((visibility("default"))) const Library kine_cudnn_library_2;
const Library kine_cudnn_library_2 = {version,         open, close, plan_attention, plan_convolution,
                                      workspace_bytes, run,  drop,  last_error};
