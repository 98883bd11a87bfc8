// 2-D convolution over channels-last pictures, the weight packed once.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

struct ConvGeometry {
    int64_t stride = 1;
    int64_t pad_begin = 0;  ///< rows above and columns left, zeros
    int64_t pad_end = 0;    ///< rows below and columns right, zeros
};

/// A weight [Co, Ci, Ky, Kx] with its bias [Co] or none. Immutable; cheap to copy. Safe for several threads.
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

/// x [N, Y, X, Ci] contiguous, of the weight's dtype -> [N, Y', X', Co]. A picture's result does not depend on how many
/// pictures stand beside it, nor on the thread count, bit for bit.
Tensor conv2d(const Context& context, const Tensor& x, const ConvWeight& weight);

}  // namespace kine::kernels
