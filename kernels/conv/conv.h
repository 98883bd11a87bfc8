// Convolution over channels-last pictures, or over the frames of a clip as well, the weight packed once.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

struct ConvGeometry {
    int64_t stride = 1;
    int64_t pad_begin = 0;  ///< rows above and columns left, zeros
    int64_t pad_end = 0;    ///< rows below and columns right, zeros
    int64_t pad_front = 0;  ///< frames before the first, zeros; nothing is ever padded behind the last
};

/// A weight [Co, Ci, Ky, Kx], or [Co, Ci, Kt, Ky, Kx] for clips (stride 1 in time), with its bias [Co] or none.
/// Immutable; cheap to copy. Safe for several threads.
class ConvWeight {
  public:
    ConvWeight() = default;
    ConvWeight(const Context& context, const Tensor& weight, const Tensor& bias, ConvGeometry geometry);

    int64_t in_channels() const;
    int64_t out_channels() const;
    explicit operator bool() const { return packed_ != nullptr; }

    struct Packed;
    const Packed& packed() const { return *packed_; }

  private:
    std::shared_ptr<const Packed> packed_;
};

/// x [F, Y, X, Ci], the consecutive frames of one clip, contiguous -> [F + pad_front - Kt + 1, Y', X', Co]. A frame
/// that the window reaches back to gives the same bits whether it stands in x or the caller kept it and put it in
/// front.
///
/// `residual`, of the result's shape and dtype, contiguous, is added before the sum is rounded; empty: none.
Tensor conv3d(const Context& context, const Tensor& x, const ConvWeight& weight, const Tensor& residual = {});

/// x [N, Y, X, Ci] contiguous, of the weight's dtype -> [N, Y', X', Co]. A picture's result does not depend on how many
/// pictures stand beside it, nor on the thread count, bit for bit. `residual` as above.
Tensor conv2d(const Context& context, const Tensor& x, const ConvWeight& weight, const Tensor& residual = {});

}  // namespace kine::kernels
