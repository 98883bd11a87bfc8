// The loops behind patch.h.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

void patchify_host(const Context& context, const Tensor& x, int64_t patch, Tensor& out);

struct PatchGrid {
    int64_t patch;
    int64_t rows;
    int64_t columns;
};
void unpatchify_host(const Context& context, const Tensor& tokens, PatchGrid grid, Tensor& out);

}  // namespace kine::kernels
