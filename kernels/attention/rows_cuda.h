// Launch of attention of any kind.
#pragma once

#include "kernels/attention/rows_launch.h"
#include "runtime/device/stream.h"

namespace kine::kernels::cuda {

void launch_row_attention(const RowAttentionArguments& all, Stream stream);

}  // namespace kine::kernels::cuda
