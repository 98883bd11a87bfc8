#include "runtime/device/cuda/probe.h"

#include <cuda_runtime_api.h>

namespace kine {

namespace {

std::string said(cudaError_t error) {
    return std::string(cudaGetErrorString(error)) + " (" + cudaGetErrorName(error) + ")";
}

}  // namespace

GpuFacts probe_gpus() {
    GpuFacts facts;
    facts.runtime_version = CUDART_VERSION;
    if (cudaDriverGetVersion(&facts.driver_version) != cudaSuccess) facts.driver_version = 0;
    int count = 0;
    if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
        cudaGetLastError();  // it would stick to the next launch of this thread
        if (error != cudaErrorNoDevice) facts.failure = said(error);
        return facts;
    }
    for (int index = 0; index < count; ++index) {
        cudaDeviceProp properties;
        if (const cudaError_t error = cudaGetDeviceProperties(&properties, index); error != cudaSuccess) {
            cudaGetLastError();
            facts.failure = said(error);
            return facts;
        }
        facts.gpus.push_back(
            {properties.name, properties.major, properties.minor, static_cast<int64_t>(properties.totalGlobalMem)});
    }
    return facts;
}

}  // namespace kine
