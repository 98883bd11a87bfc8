// Entries of arithmetic element by element: pick the instance and launch it.
#include "kernels/elementwise/map_cuda.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/elementwise/map.cuh"

namespace kine::kernels::cuda {

namespace {

template <class T, MapKind kKind>
__global__ void __launch_bounds__(kMapThreads) map_kernel(const MapArguments<T> map) {
    map_block<T, kKind>(map);
}

__global__ void __launch_bounds__(kMapThreads) guided_step_kernel(const GuidedStepArguments step) {
    guided_step_block(step);
}

template <class T>
auto kernel_for(MapKind kind) {
    switch (kind) {
        case MapKind::GeluTanh:
            return map_kernel<T, MapKind::GeluTanh>;
        case MapKind::Silu:
            return map_kernel<T, MapKind::Silu>;
        default:
            return map_kernel<T, MapKind::GeluTanhGate>;
    }
}

}  // namespace

void launch_map(MapKind kind, const MapArguments<float>& map, Stream stream) {
    start(kernel_for<float>(kind), map_launch(map.count), map, stream);
}

void launch_map(MapKind kind, const MapArguments<BFloat16>& map, Stream stream) {
    start(kernel_for<BFloat16>(kind), map_launch(map.count), map, stream);
}

void launch_guided_step(const GuidedStepArguments& step, Stream stream) {
    start(guided_step_kernel, map_launch(step.count), step, stream);
}

}  // namespace kine::kernels::cuda
