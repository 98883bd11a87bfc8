// Asks the CUDA runtime what there is. Only in builds with CUDA.
#pragma once

#include "runtime/device/gpus.h"

namespace kine {

GpuFacts probe_gpus();

}  // namespace kine
