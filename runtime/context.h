// Everything an op needs besides its arguments. Passed by reference, never stored: a model holds weights, not contexts.
#pragma once

#include "runtime/device/allocator.h"
#include "runtime/device/host/thread_pool.h"
#include "runtime/device/stream.h"
#include "runtime/profile.h"

namespace kine {

struct Context {
    Device device;
    Allocator& allocator;
    ThreadPool& threads;
    Profiler& profiler;
    Stream stream = {};                  ///< of a GPU: what ops enqueue is done in this order
    const Context* host_side = nullptr;  ///< of a GPU: for what is made in host memory and moved there; lives longer

    const Context& host() const { return host_side ? *host_side : *this; }
};

}  // namespace kine
