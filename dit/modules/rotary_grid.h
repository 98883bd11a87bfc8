// Rotary positions of a grid of patches over frames, rows and columns: every axis turns channels of its own.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::dit {

/// One axis: how many positions, and how many channels of a head it turns (even).
struct RotaryAxis {
    int64_t positions = 0;
    int64_t channels = 0;
};

struct RotaryGrid {
    RotaryAxis frames;
    RotaryAxis rows;
    RotaryAxis columns;

    int64_t channels() const { return frames.channels + rows.channels + columns.channels; }
};

/// [T, rows * columns, D] f32: cos and sin side by side for each pair of channels, those of the frame first, then the
/// row's, then the column's. The angle of pair i of an axis with d channels is position * 10000^(-2i / d), computed in
/// double and rounded once.
Tensor rotary_turns(const Context& context, const RotaryGrid& grid);

}  // namespace kine::dit
