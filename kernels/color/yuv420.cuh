// RGB to BT.709 in limited range with subsampled chroma: ITU-R BT.709-6, items 3.2 to 3.6. A sample of chroma reads 40
// pixels, which its neighbours read too: they come from a cache, and a picture is read from memory about once.
#pragma once

#include "kernels/color/yuv420_launch.h"
#include "kernels/cuda/vec.cuh"
#include "kernels/cuda/warp.cuh"

namespace kine::kernels::cuda {

struct Rgb {
    float red, green, blue;
};

/// Not a number goes to 0.
__device__ inline float within_unit(float value) { return value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f; }

__device__ inline int clamped(int value, int size) { return value < 0 ? 0 : value < size ? value : size - 1; }

/// The nearest pixel of the picture.
template <class T>
__device__ Rgb pixel_at(const Yuv420Arguments<T>& picture, int64_t frame, int y, int x) {
    y = clamped(y, picture.height);
    x = clamped(x, picture.width);
    const T* at = picture.rgb + ((frame * picture.height + y) * picture.width + x) * 3;
    return {within_unit(widen(at[0])), within_unit(widen(at[1])), within_unit(widen(at[2]))};
}

__device__ inline float luma_of(const Rgb& pixel) {
    return kRedWeight * pixel.red + kGreenWeight * pixel.green + kBlueWeight * pixel.blue;
}

/// Chroma beside a hard edge goes beyond what a byte holds.
__device__ inline uint8_t byte_of(float level) {
    return static_cast<uint8_t>(round_to_even(fminf(fmaxf(level, 0.0f), 255.0f)));
}

/// Writes what luma there is among the pixels of chroma sample (y / 2, x / 2).
template <class T>
__device__ void write_luma(const Yuv420Arguments<T>& picture, int64_t frame, int y, int x, uint8_t* luma) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const int row = y + i / 2, column = x + i % 2;
        if (row >= picture.height || column >= picture.width) continue;
        const Rgb pixel = pixel_at(picture, frame, row, column);
        luma[int64_t{row} * picture.width + column] = byte_of(16.0f + 219.0f * luma_of(pixel));
    }
}

/// The colour of the chroma sample whose upper left pixel this is.
template <class T>
__device__ Rgb chroma_colour(const Yuv420Arguments<T>& picture, int64_t frame, int y, int x) {
    Rgb sum = {};
#pragma unroll
    for (int down = kFirstRow; down <= kLastRow; ++down) {
#pragma unroll
        for (int i = 0; i < kChromaColumns; ++i) {
            const int across = chroma_column(i);
            const float weight =
                chroma_weight(static_cast<float>(down) - 0.5f) * chroma_weight(static_cast<float>(across));
            const Rgb pixel = pixel_at(picture, frame, y + down, x + across);
            sum = {sum.red + weight * pixel.red, sum.green + weight * pixel.green, sum.blue + weight * pixel.blue};
        }
    }
    return sum;
}

/// What one block does.
template <class T>
__device__ void yuv420_block(const Yuv420Arguments<T>& picture) {
    const int columns = half_up(picture.width), rows = half_up(picture.height);
    const int64_t sample = block_x() * kYuvThreads + thread_in_block(), frame = block_y();
    if (sample >= int64_t{rows} * columns) return;
    const int y = static_cast<int>(sample / columns) * 2, x = static_cast<int>(sample % columns) * 2;
    uint8_t* luma = picture.frames + frame * yuv420_bytes(picture.height, picture.width);
    write_luma(picture, frame, y, x, luma);
    const Rgb colour = chroma_colour(picture, frame, y, x);
    const float grey = luma_of(colour);
    uint8_t* chroma = luma + int64_t{picture.height} * picture.width;
    chroma[sample] = byte_of(128.0f + kBlueLevels * (colour.blue - grey));
    chroma[int64_t{rows} * columns + sample] = byte_of(128.0f + kRedLevels * (colour.red - grey));
}

}  // namespace kine::kernels::cuda
