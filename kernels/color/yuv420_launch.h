// Pictures as encoders want them, made on the GPU so that 1.5 bytes a pixel cross the bus: what is asked, and the
// numbers that host, device and tests share. Plain C++.
#pragma once

#include "kernels/cuda/rows.h"

namespace kine::kernels::cuda {

/// RGB [F, Y, X, 3] with values in [0, 1] -> F frames of bytes, all of Y, of U, of V; BT.709, limited range, chroma at
/// the left pixel of a pair and between rows, as the encoders tag it. Chroma planes have half the pixels along each
/// axis, rounded up.
template <class T>
struct Yuv420Arguments {
    const T* rgb = nullptr;
    uint8_t* frames = nullptr;
    int64_t count = 0;
    int height = 0;
    int width = 0;
};

inline constexpr float kRedWeight = 0.2126f, kBlueWeight = 0.0722f;
inline constexpr float kGreenWeight = 1.0f - kRedWeight - kBlueWeight;
/// Levels of chroma for a difference of 1 between a colour and the luma.
inline constexpr float kBlueLevels = 224.0f / (2.0f - 2.0f * kBlueWeight);
inline constexpr float kRedLevels = 224.0f / (2.0f - 2.0f * kRedWeight);

/// How much of a pixel so many pixels away a chroma sample takes: the cubic of Keys (1981) with a = -0.6, stretched to
/// the distance between samples. It is swscale's "bicubic", so that an encoder is given the same pictures by whoever
/// made them. Weights along an axis add up to 1.
constexpr float chroma_weight(float pixels) {
    const float d = (pixels < 0.0f ? -pixels : pixels) / 2.0f;
    const float near = (1.4f * d - 2.4f) * d * d + 1.0f;
    const float far = ((-0.6f * d + 3.0f) * d - 4.8f) * d + 2.4f;
    return (d < 1.0f ? near : d < 2.0f ? far : 0.0f) / 2.0f;
}

/// Rows from the upper one of a sample's pair, which lies half a row below it.
inline constexpr int kFirstRow = -3, kLastRow = 4;
/// Columns from a sample's own that have a weight: -3, -1, 0, 1, 3.
inline constexpr int kChromaColumns = 5;
constexpr int chroma_column(int number) { return number == 0 ? -3 : number == 4 ? 3 : number - 2; }

inline constexpr int kYuvThreads = 128;

constexpr int half_up(int size) { return (size + 1) / 2; }

/// Bytes of a frame.
constexpr int64_t yuv420_bytes(int height, int width) {
    return int64_t{height} * width + 2 * int64_t{half_up(height)} * half_up(width);
}

/// One thread for each chroma sample, which is four pixels; frames along the other axis.
constexpr Launch yuv420_launch(int64_t frames, int height, int width) {
    return {divide_up(int64_t{half_up(height)} * half_up(width), kYuvThreads), frames, kYuvThreads, 0};
}

}  // namespace kine::kernels::cuda
