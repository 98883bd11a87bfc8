// What we ask of NCCL and of the CUDA runtime, as a table of functions that a small library of ours (plugin.cpp) fills
// in. It is opened only when ranks are to be GPUs, so that neither the program nor libkinescope.so needs CUDA to be
// there, and a machine without a driver runs everything else.
#pragma once

#include <cstdint>

namespace kine::parallel {

/// What all ranks that want to meet must have from one of them.
struct NcclId {
    char bytes[128];
};

/// `bytes` at `memory` to or from `peer`, on the host or on the rank's own GPU.
struct NcclParcel {
    int peer = 0;
    void* memory = nullptr;
    int64_t bytes = 0;
    bool is_sent = false;
    bool is_on_device = false;
};

/// Functions give 1 for done, 0 for not yet, -1 for failure, or null for failure; why is then in last_error().
struct NcclLibrary {
    int (*count_devices)(int* count);
    int (*make_id)(NcclId* id);
    /// Begins to meet `size` ranks; poll() says when all are there.
    void* (*join)(const NcclId* id, int rank, int size, int device);
    /// Ranks of one colour among themselves, ordered by `key`. All ranks call it; poll() likewise.
    void* (*split)(void* joined, int color, int key);
    int (*poll)(void* joined);
    /// All parcels of a call, after what the queue `before` (a cudaStream_t) holds so far; memory must stay until
    /// test() says 1 or drop() has returned.
    void* (*begin)(void* joined, const NcclParcel* parcels, int count, void* before);
    int (*test)(void* exchange);
    /// Frees an exchange; one that is not done is waited for, which abort() ends.
    void (*drop)(void* exchange);
    /// Ends what is under way, here and, sooner or later, for the peers.
    void (*abort)(void* joined);
    /// Frees what join() or split() gave, once the peers have what was sent to them.
    void (*leave)(void* joined);
    /// Of the calling thread.
    const char* (*last_error)();
};

inline constexpr const char* kNcclPluginFile = "libkinescope_nccl.so";
inline constexpr const char* kNcclLibrarySymbol = "kine_nccl_library";

/// Opens the plugin. ErrorCode::Unsupported where it cannot be opened: it was not built, or NCCL is not there.
const NcclLibrary& open_nccl_library();

}  // namespace kine::parallel
