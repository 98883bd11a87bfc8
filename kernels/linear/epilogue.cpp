#include "kernels/linear/epilogue.h"

#include "runtime/device/host/processor.h"

#include <algorithm>
#include <vector>

namespace kine::kernels {

namespace {

void add_residual(const Epilogue& epilogue, const float* sums, int64_t stride, Range rows, Range columns) {
    const int64_t width = epilogue.out->dim(1), first = rows.begin * width + columns.begin;
    visit_floating(epilogue.out->dtype(), [&]<class T>(T) {
        T* to = epilogue.out->data<T>() + first;
        const T* residual = epilogue.residual->data<T>() + first;
        const auto finish = [](Float8 sum, Float8 b, Float8 more) { return sum + b + more; };
        for (int64_t row = 0; row < rows.size(); ++row)
            map_lanes(columns.size(), to + row * width, finish, sums + row * stride, epilogue.bias + columns.begin,
                      residual + row * width);
    });
}

}  // namespace

void finish_tile(const Epilogue& epilogue, const float* sums, int64_t stride, Range rows, Range columns) {
    if (uses_avx512()) return finish_tile_wide(epilogue, sums, stride, rows, columns);
    if (epilogue.residual) return add_residual(epilogue, sums, stride, rows, columns);
    Tensor& out = *epilogue.out;
    const int64_t width = out.dim(1);
    const float* bias = epilogue.bias + columns.begin;
    visit_floating(out.dtype(), [&]<class T>(T) {
        T* to = out.data<T>() + rows.begin * width + columns.begin;
        with_activation(epilogue.activation, [&](auto function) {
            const auto finish = [&](Float8 sum, Float8 b) { return function(sum + b); };
            for (int64_t row = 0; row < rows.size(); ++row)
                map_lanes(columns.size(), to + row * width, finish, sums + row * stride, bias);
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
        with_activation(epilogue.activation, [&](auto function) {
            for (int64_t row = 0; row < rows.size(); ++row) {
                std::copy_n(sums.data + row * sums.stride, columns.size(), values.data());
                const Float8 row_scale = splat(sums.row_scales[row]);
                const auto finish = [&](Float8 sum, Float8 scale, Float8 b) {
                    return function(sum * (scale * row_scale) + b);
                };
                map_lanes(columns.size(), to + row * width, finish, values.data(), column_scales, bias);
            }
        });
    });
}

}  // namespace kine::kernels
