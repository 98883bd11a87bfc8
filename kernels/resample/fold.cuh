// Channels for pixels and back. Shortcuts beside convolutions, so simple is fast enough.
#pragma once

#include "kernels/cuda/vec.cuh"
#include "kernels/resample/fold_launch.h"

namespace kine::kernels::cuda {

/// Where a value of the result stands.
struct FoldPlace {
    int64_t frame, row, column, channel;
};

template <class T>
__device__ FoldPlace place_in_result(const FoldArguments<T>& work, int64_t value) {
    const int64_t pixel = value / work.channels, line = pixel / work.width;
    return {line / work.height, line % work.height, pixel % work.width, value % work.channels};
}

template <class T>
__device__ T value_of_x(const FoldArguments<T>& work, const FoldPlace& at) {
    return work.x[((at.frame * work.x_height + at.row) * work.x_width + at.column) * work.x_channels + at.channel];
}

/// One channel of x repeated over several places of the cell and channels of the result.
template <class T>
__device__ void unfold_block(const FoldArguments<T>& work) {
    const int64_t value = block_x() * kFoldThreads + thread_in_block();
    if (value >= work.values()) return;
    const FoldPlace to = place_in_result(work, value);
    const int64_t repeats = work.channels * work.cell_pixels() / work.x_channels;
    const int64_t place =
        (to.frame % work.cell_frames * work.side + to.row % work.side) * work.side + to.column % work.side;
    const FoldPlace from = {to.frame / work.cell_frames, to.row / work.side, to.column / work.side,
                            (to.channel * work.cell_pixels() + place) / repeats};
    work.out[value] = value_of_x(work, from);
}

/// The mean of consecutive values of a cell, channel slowest; frames in front of the first are zeros.
template <class T>
__device__ void fold_block(const FoldArguments<T>& work) {
    const int64_t value = block_x() * kFoldThreads + thread_in_block();
    if (value >= work.values()) return;
    const FoldPlace to = place_in_result(work, value);
    const int64_t count = work.x_channels * work.cell_pixels() / work.channels;
    const int64_t missing = work.frames * work.cell_frames - work.x_frames;
    float sum = 0.0f;
    for (int64_t number = to.channel * count; number < (to.channel + 1) * count; ++number) {
        const int64_t place = number % work.cell_pixels();
        const FoldPlace from = {to.frame * work.cell_frames - missing + place / (work.side * work.side),
                                to.row * work.side + place / work.side % work.side,
                                to.column * work.side + place % work.side, number / work.cell_pixels()};
        if (from.frame >= 0) sum += widen(value_of_x(work, from));
    }
    narrow(sum / static_cast<float>(count), work.out[value]);
}

}  // namespace kine::kernels::cuda
