// What every measurement runs in: all processors and no budget; or a GPU.
#pragma once

#include "runtime/context.h"
#include "runtime/device/cuda/commands.h"
#include "runtime/device/floor.h"
#include "runtime/device/host/host_allocator.h"
#include "runtime/tensor/tensor.h"

namespace kine::bench {

struct BenchSession {
    explicit BenchSession(int thread_count = 0, Device device = {})
        : floor(open_floor(device)),
          threads(thread_count),
          host{Device{}, host_memory, threads, profiler},
          context{device,   floor->memory(), threads,
                  profiler, floor->stream(), device.kind == DeviceKind::Cpu ? nullptr : &host} {}
    BenchSession(const BenchSession&) = delete;
    BenchSession& operator=(const BenchSession&) = delete;

    HostAllocator host_memory;  // beside a GPU's
    std::unique_ptr<DeviceFloor> floor;
    ThreadPool threads;
    Profiler profiler;
    Context host;
    Context context;
};

/// Until the result of an op is there: a GPU has only been told.
inline void await_result(const Context& context, const Tensor&) {
    if (context.device.kind != DeviceKind::Cpu) synchronize(context.stream);
}

}  // namespace kine::bench
