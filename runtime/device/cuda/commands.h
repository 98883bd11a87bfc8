// What the host asks of a GPU outside kernels: copies, fills, waiting. Builds without CUDA refuse (without_cuda/),
// tests of dispatch put a device of their own behind these names (tests/support/device).
#pragma once

#include "runtime/device/device.h"
#include "runtime/device/stream.h"

#include <cstdint>

namespace kine {

/// Makes `device` the one that the calling thread's next calls of CUDA mean.
void use_device(Device device);
/// The one that they mean.
Device used_device();

/// Enqueues a copy between host and device or within a device; both must last until it is done.
void copy_async(void* to, const void* from, int64_t bytes, Stream stream);

/// Memory of a GPU, as copies between two of them name it.
struct GpuMemory {
    Device device;
    void* address = nullptr;
};

/// Enqueues a copy from one GPU to another.
void copy_between_async(GpuMemory to, GpuMemory from, int64_t bytes, Stream stream);

/// Enqueues the filling with zeros.
void zero_async(void* to, int64_t bytes, Stream stream);

/// Waits until all that was enqueued is done, and throws what went wrong in it.
void synchronize(Stream stream);

}  // namespace kine
