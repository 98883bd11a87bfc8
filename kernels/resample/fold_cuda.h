// Launches of channels for pixels and back.
#pragma once

#include "kernels/resample/fold_launch.h"
#include "runtime/device/stream.h"
#include "runtime/tensor/dtype.h"

namespace kine::kernels::cuda {

void launch_unfold(const FoldArguments<float>& work, Stream stream);
void launch_unfold(const FoldArguments<BFloat16>& work, Stream stream);
void launch_unfold(const FoldArguments<Float16>& work, Stream stream);
void launch_fold(const FoldArguments<float>& work, Stream stream);
void launch_fold(const FoldArguments<BFloat16>& work, Stream stream);
void launch_fold(const FoldArguments<Float16>& work, Stream stream);

}  // namespace kine::kernels::cuda
