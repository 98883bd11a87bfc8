// The windows of a convolution written out as rows of a product: what it is asked on a GPU. Plain C++: host, device and
// tests share it.
#pragma once

#include "kernels/cuda/rows.h"

namespace kine::kernels::cuda {

/// x [frames, height, width, channels], contiguous. Row r of `out` is what window first + r of the result's [.., out
/// height, out width] positions covers, in the order (frame, row, column, channel), zeros where it reaches beyond x.
template <class T>
struct WindowArguments {
    const T* x = nullptr;
    T* out = nullptr;
    int64_t frames = 0, height = 0, width = 0, channels = 0;
    int64_t window_frames = 1, window_height = 1, window_width = 1;
    int64_t out_height = 0, out_width = 0;
    int64_t stride = 1;
    int64_t pad_front = 0;  ///< frames
    int64_t pad_begin = 0;  ///< rows and columns
    int64_t first = 0;
    int64_t rows = 0;
    bool by_words = false;  ///< x and out begin at multiples of 16 bytes, channels is a multiple of eight

    constexpr int64_t pixels() const { return window_frames * window_height * window_width; }
    constexpr int64_t depth() const { return pixels() * channels; }
};

inline constexpr int kWindowThreads = 256;

/// A chunk of the channels of one pixel of a window a thread.
constexpr Launch window_launch(int64_t rows, int64_t pixels, int64_t channels) {
    return {divide_up(rows * pixels * divide_up(channels, kChunk), kWindowThreads), 1, kWindowThreads, 0};
}

}  // namespace kine::kernels::cuda
