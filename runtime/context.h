// Everything an op needs besides its arguments. Passed by reference, never stored: a model holds weights, not contexts.
#pragma once

#include "runtime/device/allocator.h"
#include "runtime/device/host/thread_pool.h"
#include "runtime/device/stream.h"
#include "runtime/profile.h"

#include <vector>

namespace kine {

struct Context {
    Device device;
    Allocator& allocator;
    ThreadPool& threads;
    Profiler& profiler;
    Stream stream = {};                  ///< of a GPU: what ops enqueue is done in this order
    const Context* host_side = nullptr;  ///< of a GPU: for what is made in host memory and moved there; lives longer
    const std::vector<Context>* others =
        nullptr;  ///< of several GPUs, on the first: ranks 1, 2, ... have these; lives longer

    const Context& host() const { return host_side ? *host_side : *this; }
    /// Devices that a run is spread over.
    size_t devices() const { return others ? 1 + others->size() : 1; }
    const Context& on_device(size_t index) const { return index == 0 ? *this : (*others)[index - 1]; }
};

}  // namespace kine
