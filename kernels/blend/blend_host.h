// The loop behind blend.h.
#pragma once

#include "runtime/context.h"

#include <cstdint>

namespace kine::kernels {

struct BlendArguments {
    float* canvas;
    const float* picture;
    const float* rows;
    const float* columns;
    int64_t pictures, height, width, channels;
    int64_t picture_stride, row_stride, column_stride;  // of the canvas
};

void add_weighted_host(const Context& context, const BlendArguments& arguments);

}  // namespace kine::kernels
