// RGB to BT.709 in limited range with subsampled chroma: ITU-R BT.709-6, items 3.2 to 3.6.
#pragma once

#include "kernels/color/yuv420_launch.h"
#include "kernels/cuda/vec.cuh"
#include "kernels/cuda/warp.cuh"

namespace kine::kernels::cuda {

struct Rgb {
    float red, green, blue;
};

constexpr float kRedWeight = 0.2126f, kBlueWeight = 0.0722f;
constexpr float kGreenWeight = 1.0f - kRedWeight - kBlueWeight;

__device__ inline float within_unit(float value) { return value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f; }

/// The nearest pixel of the picture.
template <class T>
__device__ Rgb pixel_at(const Yuv420Arguments<T>& picture, int64_t frame, int y, int x) {
    y = y < picture.height ? y : picture.height - 1;
    x = x < 0 ? 0 : x < picture.width ? x : picture.width - 1;
    const T* at = picture.rgb + ((frame * picture.height + y) * picture.width + x) * 3;
    return {within_unit(widen(at[0])), within_unit(widen(at[1])), within_unit(widen(at[2]))};
}

__device__ inline float luma_of(const Rgb& pixel) {
    return kRedWeight * pixel.red + kGreenWeight * pixel.green + kBlueWeight * pixel.blue;
}

__device__ inline uint8_t level_of(float value) { return static_cast<uint8_t>(round_to_even(value)); }

/// What one block does. Chroma is the mean of two rows, and along a row of three pixels, the middle one counting twice.
template <class T>
__device__ void yuv420_block(const Yuv420Arguments<T>& picture) {
    const int columns = half_up(picture.width), rows = half_up(picture.height);
    const int64_t sample = block_x() * kYuvThreads + thread_in_block(), frame = block_y();
    if (sample >= int64_t{rows} * columns) return;
    const int y = static_cast<int>(sample / columns) * 2, x = static_cast<int>(sample % columns) * 2;
    uint8_t* luma = picture.frames + frame * yuv420_bytes(picture.height, picture.width);
    Rgb mean = {};
#pragma unroll
    for (int i = 0; i < 6; ++i) {
        const int down = i / 3, across = i % 3 - 1;
        const Rgb pixel = pixel_at(picture, frame, y + down, x + across);
        const float weight = across == 0 ? 0.25f : 0.125f;
        mean = {mean.red + weight * pixel.red, mean.green + weight * pixel.green, mean.blue + weight * pixel.blue};
        if (across >= 0 && y + down < picture.height && x + across < picture.width)
            luma[int64_t{y + down} * picture.width + x + across] = level_of(16.0f + 219.0f * luma_of(pixel));
    }
    const float grey = luma_of(mean);
    const uint8_t u = level_of(128.0f + 224.0f * (mean.blue - grey) / (2.0f - 2.0f * kBlueWeight));
    const uint8_t v = level_of(128.0f + 224.0f * (mean.red - grey) / (2.0f - 2.0f * kRedWeight));
    uint8_t* chroma = luma + int64_t{picture.height} * picture.width;
    const bool is_planar = picture.format == Yuv420::Planar;
    chroma[is_planar ? sample : 2 * sample] = u;
    chroma[is_planar ? int64_t{rows} * columns + sample : 2 * sample + 1] = v;
}

}  // namespace kine::kernels::cuda
