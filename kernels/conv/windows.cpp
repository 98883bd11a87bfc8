#include "kernels/conv/windows.h"

namespace kine::kernels {

namespace {

struct Picture {
    const std::byte* data;
    int64_t height, width;
    int64_t out_height, out_width;
    int64_t item;
};

// One row of the window is one stretch of the picture's memory, with zeros before and after it where it sticks out.
Run run_at(const Picture& picture, const WindowGeometry& window, int64_t row, int64_t k) {
    const int64_t line = window.width * window.channels;
    const int64_t in_line = k % line;
    const int64_t number = row / picture.out_width;
    const int64_t tap = k / line;  // (kt, ky)
    const int64_t frame = number / picture.out_height - window.placement.pad_front + tap / window.height;
    const int64_t y =
        number % picture.out_height * window.placement.stride - window.placement.pad_begin + tap % window.height;
    if (frame < 0 || y < 0 || y >= picture.height) return {nullptr, line - in_line};
    const int64_t x = row % picture.out_width * window.placement.stride - window.placement.pad_begin;
    const int64_t at = x * window.channels + in_line;  // from the start of the picture's line
    const int64_t end = std::min((x + window.width), picture.width) * window.channels;
    if (at < 0) return {nullptr, std::min(-at, line - in_line)};
    if (at >= end) return {nullptr, line - in_line};
    const int64_t picture_line = frame * picture.height + y;
    return {picture.data + (picture_line * picture.width * window.channels + at) * picture.item, end - at};
}

}  // namespace

Rows windows_of(const Tensor& x, const WindowGeometry& window) {
    const Picture picture = {x.raw(),           x.dim(1), x.dim(2), window.out_height(x), window.out_width(x),
                             size_of(x.dtype())};
    return {window.out_frames(x) * picture.out_height * picture.out_width, x.dtype(),
            [=](int64_t row, int64_t k) { return run_at(picture, window, row, k); }};
}

}  // namespace kine::kernels
