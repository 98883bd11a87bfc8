// Entries of moving between latents and tokens.
#include "kernels/patch/patch_cuda.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/patch/patch.cuh"

namespace kine::kernels::cuda {

namespace {

template <class T>
__global__ void __launch_bounds__(kPatchThreads) patchify_kernel(const PatchArguments<T> work) {
    patchify_block(work);
}

template <class T>
__global__ void __launch_bounds__(kPatchThreads) unpatchify_kernel(const UnpatchArguments<T> work) {
    unpatchify_block(work);
}

template <class T>
void patchify(const PatchArguments<T>& work, Stream stream) {
    start(patchify_kernel<T>, patch_launch(work.geometry.token_values()), work, stream);
}

template <class T>
void unpatchify(const UnpatchArguments<T>& work, Stream stream) {
    start(unpatchify_kernel<T>, patch_launch(work.geometry.latent_values()), work, stream);
}

}  // namespace

void launch_patchify(const PatchArguments<float>& work, Stream stream) { patchify(work, stream); }
void launch_patchify(const PatchArguments<BFloat16>& work, Stream stream) { patchify(work, stream); }
void launch_patchify(const PatchArguments<Float16>& work, Stream stream) { patchify(work, stream); }
void launch_unpatchify(const UnpatchArguments<float>& work, Stream stream) { unpatchify(work, stream); }
void launch_unpatchify(const UnpatchArguments<BFloat16>& work, Stream stream) { unpatchify(work, stream); }
void launch_unpatchify(const UnpatchArguments<Float16>& work, Stream stream) { unpatchify(work, stream); }

}  // namespace kine::kernels::cuda
