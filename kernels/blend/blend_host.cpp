#include "kernels/blend/blend_host.h"

namespace kine::kernels {

namespace {

constexpr int64_t kRowsAtOnce = 16;

void add_row(const BlendArguments& a, int64_t picture, int64_t row) {
    float* to = a.canvas + picture * a.picture_stride + row * a.row_stride;
    const float* from = a.picture + (picture * a.height + row) * a.width * a.channels;
    for (int64_t x = 0; x < a.width; ++x) {
        const float weight = a.rows[row] * a.columns[x];
        for (int64_t c = 0; c < a.channels; ++c) to[x * a.column_stride + c] += weight * from[x * a.channels + c];
    }
}

}  // namespace

void add_weighted_host(const Context& context, const BlendArguments& arguments) {
    context.threads.parallel_for(arguments.pictures * arguments.height, kRowsAtOnce, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) add_row(arguments, i / arguments.height, i % arguments.height);
    });
}

}  // namespace kine::kernels
