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

}  // namespace

void launch_row_attention(const RowAttentionArguments& all, Stream stream) {
    const auto kernel = all.dtype == DType::Float32 ? row_attention_kernel<float> : row_attention_kernel<BFloat16>;
    start(kernel, row_attention_launch(all.rows(), all.head_size), all, stream);
}

}  // namespace kine::kernels::cuda
