// Launch of rows as e4m3.
#pragma once

#include "kernels/linear/fp8_rows_launch.h"
#include "runtime/device/stream.h"

namespace kine::kernels::cuda {

void launch_fp8_rows(const Fp8RowsArguments& work, Stream stream);

}  // namespace kine::kernels::cuda
