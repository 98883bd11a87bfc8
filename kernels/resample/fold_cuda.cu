// Entries of channels for pixels and back.
#include "kernels/resample/fold_cuda.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/resample/fold.cuh"

namespace kine::kernels::cuda {

namespace {

template <class T>
__global__ void __launch_bounds__(kFoldThreads) unfold_kernel(const FoldArguments<T> work) {
    unfold_block(work);
}

template <class T>
__global__ void __launch_bounds__(kFoldThreads) fold_kernel(const FoldArguments<T> work) {
    fold_block(work);
}

}  // namespace

void launch_unfold(const FoldArguments<float>& work, Stream stream) {
    start(unfold_kernel<float>, fold_launch(work.values()), work, stream);
}
void launch_unfold(const FoldArguments<BFloat16>& work, Stream stream) {
    start(unfold_kernel<BFloat16>, fold_launch(work.values()), work, stream);
}
void launch_unfold(const FoldArguments<Float16>& work, Stream stream) {
    start(unfold_kernel<Float16>, fold_launch(work.values()), work, stream);
}
void launch_fold(const FoldArguments<float>& work, Stream stream) {
    start(fold_kernel<float>, fold_launch(work.values()), work, stream);
}
void launch_fold(const FoldArguments<BFloat16>& work, Stream stream) {
    start(fold_kernel<BFloat16>, fold_launch(work.values()), work, stream);
}
void launch_fold(const FoldArguments<Float16>& work, Stream stream) {
    start(fold_kernel<Float16>, fold_launch(work.values()), work, stream);
}

}  // namespace kine::kernels::cuda
