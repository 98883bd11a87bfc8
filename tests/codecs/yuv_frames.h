// Frames as a run on a GPU makes them, for tests of those who take them.
#pragma once

#include "kernels/color/color.h"
#include "tests/support/test_context.h"

namespace kine::codecs::testing {

/// The bytes of one frame, planes one after the other.
inline Frame frame_from(PixelFormat format, int width, int height, const uint8_t* bytes, int64_t index) {
    std::vector<std::vector<uint8_t>> planes;
    for (int plane = 0; plane < plane_count(format); ++plane) {
        const int64_t count = plane_bytes(format, plane, width, height);
        planes.emplace_back(bytes, bytes + count);
        bytes += count;
    }
    Frame frame(format, width, height, std::move(planes));
    frame.index = index;
    return frame;
}

/// Values of [Y, X, 3] as a frame of `format`.
inline Frame frame_of_values(const std::vector<float>& values, int width, int height, PixelFormat format,
                             int64_t index = 0) {
    TestContext test(1);
    const Tensor clip = Tensor::of<float>(test.context, {1, height, width, 3}, values);
    const Tensor bytes = kernels::to_frames(test.context, clip, format);
    return frame_from(format, width, height, bytes.data<uint8_t>(), index);
}

/// An Rgb24 frame as if its picture had just been decoded.
inline Frame as_yuv420p(const Frame& rgb) {
    std::vector<float> values;
    for (const uint8_t level : rgb.plane(0)) values.push_back(static_cast<float>(level) / 255.0f);
    return frame_of_values(values, rgb.width(), rgb.height(), PixelFormat::Yuv420p, rgb.index);
}

}  // namespace kine::codecs::testing
