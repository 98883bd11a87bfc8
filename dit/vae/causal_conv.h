// Convolutions that look back in time only, on clips with channels last [F, Y, X, C]. A clip may come chunk by chunk:
// what a convolution looks back at is kept in a FrameMemory, and any chunks give the same bits.
#pragma once

#include "dit/vae/frame_memory.h"
#include "kernels/conv/conv.h"
#include "runtime/weights.h"

namespace kine::dit {

/// How a convolution meets time: as part of a clip, or at a single picture, before which there is nothing but zeros, so
/// that only its last tap matters.
enum class TimeTaps { All, Last };

/// What stands before a clip's first frame.
enum class BeforeFirst { Zeros, FirstFrame };

/// Of what a convolution over 3 rows made of a band with its edges: the rows of the band itself.
Tensor without_edges(const Context& context, const Tensor& x, const BandLinks& links);

/// A convolution over `frames` frames, this one and those before it, and side x side pixels.
class CausalConv {
  public:
    struct Kernel {
        int64_t frames = 3;
        int64_t side = 3;
        BeforeFirst before = BeforeFirst::Zeros;
    };
    CausalConv(const Scope& scope, int64_t in_channels, int64_t out_channels, TimeTaps taps, Kernel kernel);

    /// `residual`, like the result, is added to it; empty: none.
    Tensor operator()(const Context& context, Tensor x, FrameMemory& memory, const Tensor& residual = {}) const;

  private:
    /// Of whole pictures, or of a band with its edges, which are then part of what is remembered.
    Tensor convolve(const Context& context, Tensor x, FrameMemory& memory, const Tensor& residual) const;
    Tensor before(const Context& context, const Tensor& x) const;

    int64_t side_;
    int64_t history_;  // frames before the one that is computed
    BeforeFirst before_;
    kernels::ConvWeight weight_;
};

}  // namespace kine::dit
