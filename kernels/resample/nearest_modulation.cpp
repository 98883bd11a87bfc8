#include "kernels/resample/nearest_modulation.h"

#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/strided.h"
#include "kernels/host/simd.h"
#include "kernels/host/visit.h"
#include "kernels/linear/epilogue.h"

#include <algorithm>

namespace kine::kernels {

namespace {

void check_arguments(const Tensor& x, const Tensor& condition, std::span<const int64_t> frames) {
    constexpr std::string_view kOp = "modulate_nearest";
    check_rank(kOp, "x", x, 4);
    check_rank(kOp, "condition", condition, 4);
    check_floating(kOp, "x", x);
    check_contiguous(kOp, "x", x);
    check_contiguous(kOp, "condition", condition);
    check(condition.dtype() == x.dtype() && condition.dim(3) == 2 * x.dim(3) && x.dim(1) % condition.dim(1) == 0 &&
              x.dim(2) % condition.dim(2) == 0,
          ErrorCode::Bug, "{}: condition has shape {}, expected twice the channels of {} and sides that divide its own",
          kOp, to_string(condition.shape()), to_string(x.shape()));
    const bool are_there = std::ranges::all_of(frames, [&](int64_t f) { return f >= 0 && f < condition.dim(0); });
    check(static_cast<int64_t>(frames.size()) == x.dim(0) && are_there, ErrorCode::Bug,
          "{}: {} frames are named for {}, each of the {} of the condition", kOp, frames.size(), x.dim(0),
          condition.dim(0));
}

/// One row of pixels; every pixel of the condition serves `stretch` of them.
template <class T, class Function>
void modulate_row(T* pixels, const T* condition, const Tensor& x, int64_t stretch, Function function) {
    const int64_t channels = x.dim(3);
    const auto apply = [=](Float8 v, Float8 factor, Float8 offset) { return function(v * factor + offset); };
    for (int64_t column = 0; column < x.dim(2); ++column, pixels += channels) {
        const T* own = condition + column / stretch * 2 * channels;
        map_lanes(channels, pixels, apply, static_cast<const T*>(pixels), own, own + channels);
    }
}

/// A launch a frame: which one it reads is the caller's choice.
void modulate_nearest_device(const Context& context, Tensor& x, const Tensor& condition,
                             std::span<const int64_t> frames, Activation activation) {
    check(activation != Activation::GeluTanh, ErrorCode::Bug, "modulate_nearest: no GELU on {}",
          to_string(context.device));
    const auto op = activation == Activation::Silu ? cuda::StridedOp::MultiplyAddSilu : cuda::StridedOp::MultiplyAdd;
    const int64_t channels = x.dim(3);
    for (int64_t frame = 0; frame < x.dim(0); ++frame) {
        // [Y', stretch, X', stretch, C]: a coarse pixel is shared along both stretches.
        const Tensor own = x.select(0, frame).split(0, condition.dim(1)).split(2, condition.dim(2));
        const Tensor read = condition.select(0, frames[static_cast<size_t>(frame)]).unsqueeze(1).unsqueeze(3);
        const Tensor factor = read.slice(4, 0, channels), offset = read.slice(4, channels, 2 * channels);
        cuda::run_strided(context, op, own, {offset, own, factor});
    }
}

}  // namespace

void modulate_nearest(const Context& context, Tensor& x, const Tensor& condition, std::span<const int64_t> frames,
                      Activation activation) {
    check_arguments(x, condition, frames);
    const int64_t row_stretch = x.dim(1) / condition.dim(1);
    const int64_t column_stretch = x.dim(2) / condition.dim(2);
    const auto host = [&] {
        visit_floating(x.dtype(), [&]<class T>(T) {
            with_activation(activation, [&](auto function) {
                context.threads.parallel_for(x.dim(0) * x.dim(1), 1, [&](int64_t begin, int64_t end) {
                    for (int64_t row = begin; row < end; ++row) {
                        const int64_t frame = frames[static_cast<size_t>(row / x.dim(1))];
                        const int64_t coarse = frame * condition.dim(1) + row % x.dim(1) / row_stretch;
                        modulate_row(x.data<T>() + row * x.dim(2) * x.dim(3),
                                     condition.data<T>() + coarse * condition.dim(2) * condition.dim(3), x,
                                     column_stretch, function);
                    }
                });
            });
        });
    };
    on_device(context, "modulate_nearest", host,
              [&] { modulate_nearest_device(context, x, condition, frames, activation); });
}

}  // namespace kine::kernels
