// A convolution as a product: every output pixel is a row that holds the input values under the window. The rows are
// never stored; they are described as runs of the picture, and gathered tile by tile while the product copies them.
// That way a pixel's bits depend on its window alone, not on the picture's size, its neighbours or the thread count.
#pragma once

#include "kernels/conv/conv.h"
#include "kernels/linear/rows.h"

#include <algorithm>

namespace kine::kernels {

struct WindowGeometry {
    int64_t channels;
    int64_t depth;  ///< frames
    int64_t height;
    int64_t width;
    ConvGeometry placement;

    int64_t out_frames(const Tensor& x) const {
        return std::max<int64_t>(0, x.dim(0) + placement.pad_front - depth + 1);
    }

    int64_t out_height(const Tensor& x) const { return steps(x.dim(1), height); }
    int64_t out_width(const Tensor& x) const { return steps(x.dim(2), width); }
    /// Whether windows are the pixels themselves.
    bool is_pixel() const {
        return depth * height * width == 1 && placement.stride == 1 && placement.pad_begin == 0 &&
               placement.pad_end == 0 && placement.pad_front == 0;
    }

  private:
    int64_t steps(int64_t size, int64_t window) const {
        const int64_t room = size + placement.pad_begin + placement.pad_end - window;
        return room < 0 ? 0 : room / placement.stride + 1;
    }
};

/// The windows of x [N, Y, X, C], contiguous, row-major over [N', Y', X']; a row's order is (kt, ky, kx,
/// channel).
Rows windows_of(const Tensor& x, const WindowGeometry& window);

}  // namespace kine::kernels
