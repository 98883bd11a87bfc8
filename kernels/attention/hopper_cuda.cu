// Entry of attention on Hopper: picks the head size and launches it. Compiled for compute capability 9.0 alone.
#include "kernels/attention/hopper_cuda.h"

#include "kernels/attention/hopper.cuh"
#include "kernels/cuda/launch.cuh"

namespace kine::kernels::cuda {

namespace {

template <int kHeadSize>
__global__ void __launch_bounds__(kHopperThreads, 1) hopper_kernel(const __grid_constant__ HopperArguments all) {
    extern __shared__ __align__(1024) std::byte hopper_shared[];
    hopper_block<kHeadSize>(all, hopper_shared);
}

auto kernel_for(int head_size) {
    switch (head_size) {
        case 64:
            return hopper_kernel<64>;
        case 72:
            return hopper_kernel<72>;
        case 96:
            return hopper_kernel<96>;
        default:
            return hopper_kernel<128>;
    }
}

}  // namespace

bool is_hopper(Device device) {
    int major = 0, minor = 0;
    check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device.index), to_string(device));
    check_cuda(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device.index), to_string(device));
    return major == 9 && minor == 0;
}

void launch_hopper(const HopperArguments& all, int head_size, Stream stream) {
    const Launch launch = hopper_launch(all.outer * all.inner, all.heads, all.queries, head_size);
    const auto kernel = kernel_for(head_size);
    check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, launch.shared_bytes),
               "shared memory of attention");
    start(kernel, launch, all, stream);
}

}  // namespace kine::kernels::cuda
