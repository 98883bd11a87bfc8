// What we ask of cuDNN, as a table of functions that a small library of ours (plugin/) fills in. It is opened when a
// GPU first wants it, so that the program starts without cuDNN, without CUDA and without a driver.
#pragma once

#include "kernels/cudnn/graphs.h"

#include <string>

namespace kine::kernels::cudnn {

/// Memory at a place of a graph.
struct Binding {
    int64_t place = 0;
    void* memory = nullptr;
};

/// Functions give 1 for done, 0 where cuDNN has no such thing, -1 for failure, or null for failure; why it is not 1 is
/// then in last_error(). A handle is used by one thread at a time.
struct Library {
    /// As cuDNN counts: 91900 is 9.19.0.
    int64_t (*version)();
    /// cuDNN for a GPU, and the first number of that GPU's compute capability.
    void* (*open)(int device, int* capability);
    void (*close)(void* handle);
    /// A plan serves its GPU until drop().
    int (*plan_attention)(void* handle, const AttentionGraph* graph, void** plan);
    int (*plan_convolution)(void* handle, const ConvolutionGraph* graph, void** plan);
    int64_t (*workspace_bytes)(const void* plan);
    /// Enqueues it to `stream` (a cudaStream_t). One thread at a time runs a plan.
    int (*run)(void* handle, const void* plan, const Binding* bindings, int count, void* workspace, void* stream);
    /// After what the GPU still has to do.
    void (*drop)(void* plan);
    /// Of the calling thread.
    const char* (*last_error)();
};

inline constexpr const char* kPluginFile = "libkinescope_cudnn.so";
/// Counts up when a structure that goes through the table changes: an older plugin is then not one.
inline constexpr const char* kLibrarySymbol = "kine_cudnn_library_2";

/// The oldest cuDNN that is used: its attention is one operation from 9.15 on. Those whose attention in bf16 is known
/// to be wrong (9.10.0, 9.10.1, 9.14.0) are older, all of them.
inline constexpr int64_t kLeastVersion = 91500;

/// Opened once a process: null where it cannot be, with the reason. It was not built, or cuDNN is not there.
const Library* load_library(std::string& reason);

/// The same, unless its version is not one that we use, or the environment's KINE_CUDNN is "off", as comparisons want
/// it.
const Library* usable_library(std::string& reason);

/// "9.19.0", or "not used: " and the reason.
std::string describe_library();

}  // namespace kine::kernels::cudnn
