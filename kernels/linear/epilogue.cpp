#include "kernels/linear/epilogue.h"

#include "runtime/device/host/processor.h"

#include <algorithm>
#include <vector>

namespace kine::kernels {

namespace {

/// The residual's elements at the tile's first; null where there is none.
template <class T>
const T* residual_at(const Epilogue& epilogue, Range rows, Range columns) {
    if (!epilogue.residual) return nullptr;
    return epilogue.residual->data<T>() + rows.begin * epilogue.out->dim(1) + columns.begin;
}

/// to[i] = value(in[i]...), plus what lies at `residual`.
template <class T, class Value, class... In>
void finish_row(int64_t count, T* to, const T* residual, const Value& value, const In*... in) {
    if (!residual) return map_lanes(count, to, value, in...);
    map_lanes(
        count, to, [&](Float8 own, auto... lanes) { return value(lanes...) + own; }, residual, in...);
}

}  // namespace

void finish_tile(const Epilogue& epilogue, const float* sums, int64_t stride, Range rows, Range columns) {
    if (uses_avx512()) return finish_tile_wide(epilogue, sums, stride, rows, columns);
    Tensor& out = *epilogue.out;
    const int64_t width = out.dim(1);
    const float* bias = epilogue.bias + columns.begin;
    visit_floating(out.dtype(), [&]<class T>(T) {
        T* to = out.data<T>() + rows.begin * width + columns.begin;
        const T* residual = residual_at<T>(epilogue, rows, columns);
        with_activation(epilogue.activation, [&](auto function) {
            const auto finish = [&](Float8 sum, Float8 b) { return function(sum + b); };
            for (int64_t row = 0; row < rows.size(); ++row)
                finish_row(columns.size(), to + row * width, residual ? residual + row * width : nullptr, finish,
                           sums + row * stride, bias);
        });
    });
}

// The two scales are multiplied first, and the bias is added in the same operation, as in the function with AVX-512.
void finish_tile(const Epilogue& epilogue, const ScaledSums& sums, Range rows, Range columns) {
    if (uses_avx512()) return finish_tile_wide(epilogue, sums, rows, columns);
    Tensor& out = *epilogue.out;
    const int64_t width = out.dim(1);
    const float* bias = epilogue.bias + columns.begin;
    const float* column_scales = sums.column_scales + columns.begin;
    std::vector<float> values(static_cast<size_t>(columns.size()));
    visit_floating(out.dtype(), [&]<class T>(T) {
        T* to = out.data<T>() + rows.begin * width + columns.begin;
        const T* residual = residual_at<T>(epilogue, rows, columns);
        with_activation(epilogue.activation, [&](auto function) {
            for (int64_t row = 0; row < rows.size(); ++row) {
                std::copy_n(sums.data + row * sums.stride, columns.size(), values.data());
                const Float8 row_scale = splat(sums.row_scales[row]);
                const auto finish = [&](Float8 sum, Float8 scale, Float8 b) {
                    return function(sum * (scale * row_scale) + b);
                };
                finish_row(columns.size(), to + row * width, residual ? residual + row * width : nullptr, finish,
                           values.data(), column_scales, bias);
            }
        });
    });
}

}  // namespace kine::kernels
