#include "kernels/resample/fold.h"

#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/host/visit.h"
#include "kernels/resample/fold_cuda.h"

namespace kine::kernels {

namespace {

void check_clip(std::string_view op, const Tensor& x, Cell cell, int64_t channels) {
    check_rank(op, "x", x, 4);
    check_floating(op, "x", x);
    check_contiguous(op, "x", x);
    check(cell.frames > 0 && cell.side > 0 && channels > 0, ErrorCode::Bug,
          "{}: cells of {} frames and {} pixels a side, {} channels, expected positive ones", op, cell.frames,
          cell.side, channels);
}

/// Row `row` of the result, counted over frames and rows.
template <class T>
void unfold_row(const Tensor& x, Cell cell, int64_t row, Tensor& out) {
    const int64_t channels = out.dim(3);
    const int64_t frame = row / out.dim(1);
    const int64_t y = row % out.dim(1);
    const int64_t repeats = channels * cell.pixels() / x.dim(3);
    const int64_t place = (frame % cell.frames * cell.side + y % cell.side) * cell.side;
    const T* from = x.data<T>() + (frame / cell.frames * x.dim(1) + y / cell.side) * x.dim(2) * x.dim(3);
    T* to = out.data<T>() + row * out.dim(2) * channels;
    for (int64_t column = 0; column < out.dim(2); ++column) {
        const T* pixel = from + column / cell.side * x.dim(3);
        for (int64_t channel = 0; channel < channels; ++channel)
            *to++ = pixel[(channel * cell.pixels() + place + column % cell.side) / repeats];
    }
}

/// The mean of the values [first, first + count) of the cell whose first pixel is (frame, y, x) of a clip.
template <class T>
struct CellReader {
    const Tensor& clip;
    Cell cell;
    int64_t frame, y, x;

    float value(int64_t number) const {
        const int64_t place = number % cell.pixels();
        const int64_t at = frame + place / (cell.side * cell.side);
        if (at < 0) return 0.0f;
        const int64_t row = y + place / cell.side % cell.side;
        const int64_t pixel = (at * clip.dim(1) + row) * clip.dim(2) + x + place % cell.side;
        return static_cast<float>(clip.data<T>()[pixel * clip.dim(3) + number / cell.pixels()]);
    }
    float mean(int64_t first, int64_t count) const {
        float sum = 0.0f;
        for (int64_t i = 0; i < count; ++i) sum += value(first + i);
        return sum / static_cast<float>(count);
    }
};

template <class T>
void fold_row(const Tensor& x, Cell cell, int64_t row, Tensor& out) {
    const int64_t missing = out.dim(0) * cell.frames - x.dim(0);  // frames in front of the first
    const int64_t count = x.dim(3) * cell.pixels() / out.dim(3);
    T* to = out.data<T>() + row * out.dim(2) * out.dim(3);
    for (int64_t column = 0; column < out.dim(2); ++column) {
        const CellReader<T> reader = {x, cell, row / out.dim(1) * cell.frames - missing, row % out.dim(1) * cell.side,
                                      column * cell.side};
        for (int64_t channel = 0; channel < out.dim(3); ++channel) *to++ = T(reader.mean(channel * count, count));
    }
}

template <class Body>
void for_rows(const Context& context, const Tensor& out, const Body& body) {
    context.threads.parallel_for(out.dim(0) * out.dim(1), 1, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) body(row);
    });
}

template <class T>
cuda::FoldArguments<T> arguments_of(const Tensor& x, const Tensor& out, Cell cell) {
    return {x.address<const T>(), out.address<T>(), x.dim(0),   x.dim(1),   x.dim(2),    x.dim(3),
            out.dim(0),           out.dim(1),       out.dim(2), out.dim(3), cell.frames, cell.side};
}

}  // namespace

Tensor unfold_channels(const Context& context, const Tensor& x, Cell cell, int64_t channels) {
    check_clip("unfold_channels", x, cell, channels);
    check(channels * cell.pixels() % x.dim(3) == 0, ErrorCode::Bug,
          "unfold_channels: {} channels do not divide {} channels of {} pixels", x.dim(3), channels, cell.pixels());
    const Shape shape = {x.dim(0) * cell.frames, x.dim(1) * cell.side, x.dim(2) * cell.side, channels};
    Tensor out = Tensor::empty(context, shape, x.dtype());
    const auto on_host = [&]<class T>(T) {
        for_rows(context, out, [&](int64_t row) { unfold_row<T>(x, cell, row, out); });
    };
    const auto on_gpu = [&]<class T>(T) { cuda::launch_unfold(arguments_of<T>(x, out, cell), context.stream); };
    on_device(
        context, "unfold_channels", [&] { visit_floating(x.dtype(), on_host); },
        [&] { visit_on_device(x.dtype(), on_gpu); });
    return out;
}

Tensor fold_means(const Context& context, const Tensor& x, Cell cell, int64_t channels) {
    check_clip("fold_means", x, cell, channels);
    check(x.dim(1) % cell.side == 0 && x.dim(2) % cell.side == 0 && x.dim(3) * cell.pixels() % channels == 0,
          ErrorCode::Bug, "fold_means: x has shape {}, expected sides that {} divides and values for {} channels",
          to_string(x.shape()), cell.side, channels);
    const int64_t frames = (x.dim(0) + cell.frames - 1) / cell.frames;
    Tensor out = Tensor::empty(context, {frames, x.dim(1) / cell.side, x.dim(2) / cell.side, channels}, x.dtype());
    const auto on_host = [&]<class T>(T) {
        for_rows(context, out, [&](int64_t row) { fold_row<T>(x, cell, row, out); });
    };
    const auto on_gpu = [&]<class T>(T) { cuda::launch_fold(arguments_of<T>(x, out, cell), context.stream); };
    on_device(
        context, "fold_means", [&] { visit_floating(x.dtype(), on_host); },
        [&] { visit_on_device(x.dtype(), on_gpu); });
    return out;
}

}  // namespace kine::kernels
