// Everything an op needs besides its arguments. Passed by reference, never stored: a model holds weights, not contexts.
#pragma once

#include "runtime/device/allocator.h"
#include "runtime/device/host/thread_pool.h"
#include "runtime/profile.h"

namespace kine {

struct Context {
    Device device;
    Allocator& allocator;
    ThreadPool& threads;
    Profiler& profiler;
};

}  // namespace kine
