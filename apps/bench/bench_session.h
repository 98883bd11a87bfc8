// What every measurement runs in: all processors, no budget.
#pragma once

#include "runtime/context.h"
#include "runtime/device/host/host_allocator.h"

namespace kine::bench {

struct BenchSession {
    explicit BenchSession(int thread_count = 0)
        : threads(thread_count), context{Device{}, allocator, threads, profiler} {}
    BenchSession(const BenchSession&) = delete;
    BenchSession& operator=(const BenchSession&) = delete;

    HostAllocator allocator;
    ThreadPool threads;
    Profiler profiler;
    Context context;
};

}  // namespace kine::bench
