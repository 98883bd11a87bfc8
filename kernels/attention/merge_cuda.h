// Launch of merging two parts of an attention.
#pragma once

#include "kernels/attention/merge_launch.h"
#include "runtime/device/stream.h"

namespace kine::kernels::cuda {

void launch_merge(const MergeArguments& work, Stream stream);

}  // namespace kine::kernels::cuda
