// Rotary positions of a grid of patches over frames, rows and columns: every axis turns channels of its own.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <vector>

namespace kine::dit {

/// In which arithmetic a model's angles were made when it was trained: in double and rounded once, or frequency, angle
/// and turn each in float32.
enum class RotaryArithmetic { Double, Float32 };

/// One axis: where each of its lines stands, and how many channels of a head it turns (even).
struct RotaryAxis {
    std::vector<float> positions;
    int64_t channels = 0;
};

struct RotaryGrid {
    RotaryAxis frames;
    RotaryAxis rows;
    RotaryAxis columns;
    RotaryArithmetic arithmetic = RotaryArithmetic::Double;

    int64_t channels() const { return frames.channels + rows.channels + columns.channels; }
};

/// 0, 1, ..., count - 1.
std::vector<float> counted_positions(int64_t count);

/// [T, rows * columns, D] f32: cos and sin side by side for each pair of channels, those of the frame first, then the
/// row's, then the column's. The angle of pair i of an axis with d channels is position * 10000^(-2i / d).
Tensor rotary_turns(const Context& context, const RotaryGrid& grid);

}  // namespace kine::dit
