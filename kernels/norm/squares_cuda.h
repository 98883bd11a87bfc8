// Launch of the sums of squares of rows.
#pragma once

#include "kernels/norm/squares_launch.h"
#include "runtime/device/stream.h"

namespace kine::kernels::cuda {

void launch_squares(const SquaresArguments& work, Stream stream);

}  // namespace kine::kernels::cuda
