#include "kernels/resample/resample_host.h"

#include "kernels/host/visit.h"

#include <cstring>

namespace kine::kernels {

void upsample_nearest_2x_host(const Context& context, const Tensor& x, Tensor& out) {
    const int64_t width = x.dim(2);
    const size_t pixel = static_cast<size_t>(x.dim(3) * size_of(x.dtype()));
    const size_t out_row = 2 * static_cast<size_t>(width) * pixel;
    context.threads.parallel_for(x.dim(0) * x.dim(1), 1, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            const std::byte* from = x.raw() + static_cast<size_t>(row * width) * pixel;
            std::byte* first = out.raw() + static_cast<size_t>(2 * row) * out_row;
            std::byte* to = first;
            for (int64_t column = 0; column < width; ++column, from += pixel) {
                std::memcpy(to, from, pixel);
                std::memcpy(to + pixel, from, pixel);
                to += 2 * pixel;
            }
            std::memcpy(first + out_row, first, out_row);
        }
    });
}

void to_channels_last_host(const Context& context, const Tensor& x, Tensor& out) {
    const int64_t channels = x.dim(1);
    const int64_t height = x.dim(2);
    const int64_t width = x.dim(3);
    visit_floating(x.dtype(), [&]<class In>(In) {
        visit_floating(out.dtype(), [&]<class Out>(Out) {
            context.threads.parallel_for(x.dim(0) * height, 1, [&](int64_t begin, int64_t end) {
                for (int64_t row = begin; row < end; ++row) {
                    const In* from = x.data<In>() + row / height * x.stride(0) + row % height * x.stride(2);
                    Out* to = out.data<Out>() + row * width * channels;
                    for (int64_t i = 0; i < width * channels; ++i) {
                        const int64_t at = i % channels * x.stride(1) + i / channels * x.stride(3);
                        to[i] = Out(static_cast<float>(from[at]));
                    }
                }
            });
        });
    });
}

void to_channels_first_host(const Context& context, const Tensor& x, Tensor& out) {
    const int64_t positions = x.dim(1) * x.dim(2);
    const int64_t channels = x.dim(3);
    visit_floating(x.dtype(), [&]<class In>(In) {
        context.threads.parallel_for(x.dim(0) * channels, 1, [&](int64_t begin, int64_t end) {
            for (int64_t plane = begin; plane < end; ++plane) {
                const In* from = x.data<In>() + plane / channels * positions * channels + plane % channels;
                float* to = out.data<float>() + plane * positions;
                for (int64_t position = 0; position < positions; ++position)
                    to[position] = static_cast<float>(from[position * channels]);
            }
        });
    });
}

}  // namespace kine::kernels
