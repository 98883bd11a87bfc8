// The windows of a convolution written out as rows of a product. Each value of x is written as often as windows cover
// it, nine times for 3 x 3: the price of a product that knows no windows.
#pragma once

#include "kernels/conv/windows_launch.h"
#include "kernels/cuda/vec.cuh"

namespace kine::kernels::cuda {

/// The pixel that a window's pixel number `pixel` covers, or null where it reaches beyond x.
template <class T>
__device__ const T* covered_pixel(const WindowArguments<T>& work, int64_t window, int64_t pixel) {
    const int64_t out_pixels = work.out_height * work.out_width;
    const int64_t line = pixel / work.window_width;
    const int64_t frame = window / out_pixels + line / work.window_height - work.pad_front;
    const int64_t row = window % out_pixels / work.out_width * work.stride + line % work.window_height - work.pad_begin;
    const int64_t column = window % work.out_width * work.stride + pixel % work.window_width - work.pad_begin;
    const bool is_there =
        frame >= 0 && frame < work.frames && row >= 0 && row < work.height && column >= 0 && column < work.width;
    return is_there ? work.x + ((frame * work.height + row) * work.width + column) * work.channels : nullptr;
}

/// What one block does.
template <class T>
__device__ void window_block(const WindowArguments<T>& work) {
    const int64_t chunks = divide_up(work.channels, kChunk);
    const int64_t own = block_x() * kWindowThreads + thread_in_block();
    const int64_t row = own / (work.pixels() * chunks), pixel = own / chunks % work.pixels();
    if (row >= work.rows) return;
    const auto first = static_cast<int>(own % chunks * kChunk), channels = static_cast<int>(work.channels);
    const T* from = covered_pixel(work, work.first + row, pixel);
    Chunk chunk = {};
    if (from) chunk = load_part(from, first, channels, work.by_words);
    store_part(work.out + row * work.depth() + pixel * work.channels, first, channels, work.by_words, chunk);
}

}  // namespace kine::kernels::cuda
