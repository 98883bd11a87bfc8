// Entry of attention of any kind.
#include "kernels/attention/rows_cuda.h"

#include "kernels/attention/rows.cuh"
#include "kernels/cuda/launch.cuh"

namespace kine::kernels::cuda {

namespace {

template <class T>
__global__ void __launch_bounds__(kRowAttentionWarps* kWarp) row_attention_kernel(const RowAttentionArguments all) {
    extern __shared__ float shared[];
    row_attention_block<T>(all, shared);
}

auto kernel_for(DType dtype) {
    if (dtype == DType::Float32) return row_attention_kernel<float>;
    return dtype == DType::BFloat16 ? row_attention_kernel<BFloat16> : row_attention_kernel<Float16>;
}

}  // namespace

void launch_row_attention(const RowAttentionArguments& all, Stream stream) {
    start(kernel_for(all.dtype), row_attention_launch(all.rows(), all.head_size), all, stream);
}

}  // namespace kine::kernels::cuda
