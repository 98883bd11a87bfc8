// The queue of work of a GPU, as the ops pass it on. On the CPU there is none.
#pragma once

namespace kine {

/// A cudaStream_t that somebody else owns (device/cuda/stream.h); null is the device's default queue.
struct Stream {
    void* handle = nullptr;
};

}  // namespace kine
