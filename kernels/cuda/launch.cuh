// Starting a kernel: the only place with launch brackets.
#pragma once

#include "kernels/cuda/rows.h"
#include "runtime/device/cuda/check.h"
#include "runtime/device/stream.h"

#include <source_location>

namespace kine::kernels::cuda {

/// Enqueues it; nothing for an empty grid. What goes wrong while it runs shows at a later call.
template <class Arguments>
void start(void (*kernel)(Arguments), const Launch& launch, const Arguments& arguments, Stream stream,
           std::source_location where = std::source_location::current()) {
    if (launch.blocks_x == 0 || launch.blocks_y == 0) return;
    const dim3 blocks(static_cast<unsigned>(launch.blocks_x), static_cast<unsigned>(launch.blocks_y));
    kernel<<<blocks, static_cast<unsigned>(launch.threads), static_cast<size_t>(launch.shared_bytes),
             static_cast<cudaStream_t>(stream.handle)>>>(arguments);
    check_cuda(cudaGetLastError(), "launch of a kernel", where);
}

}  // namespace kine::kernels::cuda
