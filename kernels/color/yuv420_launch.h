// Pictures as encoders want them, made on the GPU so that 1.5 bytes a pixel cross the bus: what is asked. Plain C++:
// host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"

namespace kine::kernels::cuda {

/// Where the bytes of a frame go. Chroma planes have half the pixels along each axis, rounded up.
enum class Yuv420 {
    Planar,      ///< I420: all of Y, of U, of V
    SemiPlanar,  ///< NV12: all of Y, then U and V in turns
};

/// RGB [F, Y, X, 3] with values in [0, 1] -> F frames of bytes; BT.709, limited range, chroma at the left pixel of a
/// pair and between rows, as the encoders tag it.
template <class T>
struct Yuv420Arguments {
    const T* rgb = nullptr;
    uint8_t* frames = nullptr;
    int64_t count = 0;
    int height = 0;
    int width = 0;
    Yuv420 format = Yuv420::Planar;
};

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
