// Launch of the search for values that are not finite.
#pragma once

#include "kernels/elementwise/finite_launch.h"
#include "runtime/device/stream.h"

namespace kine::kernels::cuda {

void launch_find_not_finite(const FiniteArguments& work, Stream stream);

}  // namespace kine::kernels::cuda
