#include "kernels/conv/windows_device.h"

#include "kernels/conv/windows_cuda.h"
#include "kernels/cuda/tensor_rows.h"
#include "kernels/host/visit.h"
#include "kernels/scratch.h"

#include <algorithm>

namespace kine::kernels {

namespace {

template <class T>
cuda::WindowArguments<T> arguments_of(const Tensor& x, const WindowGeometry& window) {
    cuda::WindowArguments<T> work;
    work.x = x.address<const T>();
    work.frames = x.dim(0);
    work.height = x.dim(1);
    work.width = x.dim(2);
    work.channels = x.dim(3);
    work.window_frames = window.depth;
    work.window_height = window.height;
    work.window_width = window.width;
    work.out_height = window.out_height(x);
    work.out_width = window.out_width(x);
    work.stride = window.placement.stride;
    work.pad_front = window.placement.pad_front;
    work.pad_begin = window.placement.pad_begin;
    return work;
}

}  // namespace

void multiply_windows(const Context& context, const ConvProblem& problem) {
    const auto& [x, window, matrix, residual, out] = problem;
    const int64_t depth = matrix.in_features(), all = out.dim(0);
    const int64_t most = std::clamp<int64_t>(kDeviceWindowBytes / (depth * size_of(x.dtype())), 1, all);
    Tensor rows = Tensor::empty(context, {most, depth}, x.dtype());
    visit_on_device(x.dtype(), [&]<class T>(T) {
        cuda::WindowArguments<T> work = arguments_of<T>(x, window);
        work.out = rows.address<T>();
        work.by_words = cuda::moves_by_words({&x, &rows});
        for (work.first = 0; work.first < all; work.first += most) {
            work.rows = std::min(most, all - work.first);
            cuda::launch_windows(work, context.stream);
            Tensor part = out.slice(0, work.first, work.first + work.rows);
            const Tensor added = residual ? residual.slice(0, work.first, work.first + work.rows) : Tensor();
            matrix.multiply(context, {rows.address(), work.rows, depth}, Activation::None, part, added);
        }
    });
}

}  // namespace kine::kernels
