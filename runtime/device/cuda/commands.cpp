#include "runtime/device/cuda/commands.h"

#include "runtime/device/cuda/check.h"

#include <cuda_runtime_api.h>

namespace kine {

namespace {

cudaStream_t of(Stream stream) { return static_cast<cudaStream_t>(stream.handle); }

}  // namespace

void use_device(Device device) { check_cuda(cudaSetDevice(device.index), to_string(device)); }

void copy_async(void* to, const void* from, int64_t bytes, Stream stream) {
    check_cuda(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDefault, of(stream)), "a copy");
}

void zero_async(void* to, int64_t bytes, Stream stream) {
    check_cuda(cudaMemsetAsync(to, 0, static_cast<size_t>(bytes), of(stream)), "filling with zeros");
}

void synchronize(Stream stream) { check_cuda(cudaStreamSynchronize(of(stream)), "work of a GPU"); }

}  // namespace kine
