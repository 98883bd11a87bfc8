// What a test needs to run an op: one allocator, one pool, one profiler, and the context that refers to them.
#pragma once

#include "runtime/context.h"
#include "runtime/device/host/host_allocator.h"

namespace kine {

/// Declared in the order of use: the context refers to the members above it, and they outlive every tensor of a test
/// that declares its TestContext first.
struct TestContext {
    explicit TestContext(int thread_count = 2)
        : threads(thread_count), context{Device{}, allocator, threads, profiler} {}
    TestContext(const TestContext&) = delete;
    TestContext& operator=(const TestContext&) = delete;

    HostAllocator allocator;
    ThreadPool threads;
    Profiler profiler;
    Context context;
};

}  // namespace kine
