// Entry of the norm and rotation of heads: picks the instance and launches it.
#include "kernels/rope/query_key_cuda.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/rope/query_key.cuh"

namespace kine::kernels::cuda {

namespace {

template <class T, int kLanes>
__global__ void __launch_bounds__(kHeadThreads) query_key_kernel(const QueryKeyArguments<T> all) {
    query_key_block<T, kLanes>(all);
}

template <class T>
auto kernel_for(int lanes) {
    switch (lanes) {
        case 1:
            return query_key_kernel<T, 1>;
        case 2:
            return query_key_kernel<T, 2>;
        case 4:
            return query_key_kernel<T, 4>;
        case 8:
            return query_key_kernel<T, 8>;
        case 16:
            return query_key_kernel<T, 16>;
        default:
            return query_key_kernel<T, 32>;
    }
}

template <class T>
void launch(const QueryKeyArguments<T>& all, Stream stream) {
    start(kernel_for<T>(lanes_per_head(all.head_size)),
          query_key_launch(all.tokens, all.heads, all.head_size, all.sides()), all, stream);
}

}  // namespace

void launch_query_key(const QueryKeyArguments<float>& all, Stream stream) { launch(all, stream); }
void launch_query_key(const QueryKeyArguments<BFloat16>& all, Stream stream) { launch(all, stream); }
void launch_query_key(const QueryKeyArguments<Float16>& all, Stream stream) { launch(all, stream); }

}  // namespace kine::kernels::cuda
