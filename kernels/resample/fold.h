// Channels for pixels and back, without parameters: how a decoder's shortcut grows a clip by repeating channels, and
// how an encoder's shrinks it by means (Chen et al. 2024, arXiv 2410.10733, in space; in time as well here).
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::kernels {

/// What one pixel becomes, or what becomes one pixel: `frames` x `side` x `side` of them.
struct Cell {
    int64_t frames = 1;
    int64_t side = 1;

    int64_t pixels() const { return frames * side * side; }
};

/// x [F, Y, X, C] -> [F * frames, Y * side, X * side, channels]. Channel o at place p of its cell, counted over (frame,
/// row, column), is x's channel (o * cell.pixels() + p) * C / (channels * cell.pixels()), which must divide evenly.
Tensor unfold_channels(const Context& context, const Tensor& x, Cell cell, int64_t channels);

/// x [F, Y, X, C] -> [ceil(F / frames), Y / side, X / side, channels], zero frames in front where F is not a multiple.
/// The pixels of a cell are laid out as C * cell.pixels() values, channel slowest; each result is the mean of
/// consecutive ones, as many as `channels` needs.
Tensor fold_means(const Context& context, const Tensor& x, Cell cell, int64_t channels);

}  // namespace kine::kernels
