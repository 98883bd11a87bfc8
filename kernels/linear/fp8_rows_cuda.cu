// Entry of rows as e4m3.
#include "kernels/linear/fp8_rows_cuda.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/linear/fp8_rows.cuh"

namespace kine::kernels::cuda {

namespace {

__global__ void __launch_bounds__(kFp8RowsPerBlock* kWarp) fp8_rows_kernel(const Fp8RowsArguments work) {
    fp8_rows_block(work);
}

}  // namespace

void launch_fp8_rows(const Fp8RowsArguments& work, Stream stream) {
    if (work.rows > 0) start(fp8_rows_kernel, fp8_rows_launch(work.rows), work, stream);
}

}  // namespace kine::kernels::cuda
