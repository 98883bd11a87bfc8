#include "runtime/device/cuda/commands.h"

#include "runtime/device/cuda/check.h"

#include <cuda_runtime_api.h>

namespace kine {

namespace {

cudaStream_t of(Stream stream) { return static_cast<cudaStream_t>(stream.handle); }

}  // namespace

void use_device(Device device) { check_cuda(cudaSetDevice(device.index), to_string(device)); }

Device used_device() {
    int index = 0;
    check_cuda(cudaGetDevice(&index), "the device in use");
    return {DeviceKind::Cuda, index};
}

void copy_async(void* to, const void* from, int64_t bytes, Stream stream) {
    check_cuda(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDefault, of(stream)), "a copy");
}

void copy_between_async(GpuMemory to, GpuMemory from, int64_t bytes, Stream stream) {
    check_cuda(cudaMemcpyPeerAsync(to.address, to.device.index, from.address, from.device.index,
                                   static_cast<size_t>(bytes), of(stream)),
               "a copy from " + to_string(from.device) + " to " + to_string(to.device));
}

void zero_async(void* to, int64_t bytes, Stream stream) {
    check_cuda(cudaMemsetAsync(to, 0, static_cast<size_t>(bytes), of(stream)), "filling with zeros");
}

void synchronize(Stream stream) { check_cuda(cudaStreamSynchronize(of(stream)), "work of a GPU"); }

}  // namespace kine
