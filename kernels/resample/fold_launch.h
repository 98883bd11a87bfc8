// Channels for pixels and back: what it is asked on a GPU. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"

namespace kine::kernels::cuda {

/// x and out [frames, height, width, channels], contiguous; cells of `cell_frames` x `side` x `side` pixels.
template <class T>
struct FoldArguments {
    const T* x = nullptr;
    T* out = nullptr;
    int64_t x_frames = 0, x_height = 0, x_width = 0, x_channels = 0;
    int64_t frames = 0, height = 0, width = 0, channels = 0;  ///< of the result
    int64_t cell_frames = 1, side = 1;

    constexpr int64_t values() const { return frames * height * width * channels; }
    constexpr int64_t cell_pixels() const { return cell_frames * side * side; }
};

inline constexpr int kFoldThreads = 256;

/// A value of the result a thread.
constexpr Launch fold_launch(int64_t values) { return {divide_up(values, kFoldThreads), 1, kFoldThreads, 0}; }

}  // namespace kine::kernels::cuda
