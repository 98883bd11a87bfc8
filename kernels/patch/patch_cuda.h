// Launches of moving between latents and tokens.
#pragma once

#include "kernels/patch/patch_launch.h"
#include "runtime/device/stream.h"
#include "runtime/tensor/dtype.h"

namespace kine::kernels::cuda {

void launch_patchify(const PatchArguments<float>& work, Stream stream);
void launch_patchify(const PatchArguments<BFloat16>& work, Stream stream);
void launch_patchify(const PatchArguments<Float16>& work, Stream stream);
void launch_unpatchify(const UnpatchArguments<float>& work, Stream stream);
void launch_unpatchify(const UnpatchArguments<BFloat16>& work, Stream stream);
void launch_unpatchify(const UnpatchArguments<Float16>& work, Stream stream);

}  // namespace kine::kernels::cuda
