#include "dit/modules/rotary_grid.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kine::dit {

namespace {

constexpr double kBase = 10000.0;

/// [positions * channels]: cos and sin of every pair.
std::vector<float> turns_of(const RotaryAxis& axis) {
    std::vector<float> turns;
    for (int64_t position = 0; position < axis.positions; ++position) {
        for (int64_t channel = 0; channel < axis.channels; channel += 2) {
            const double exponent = static_cast<double>(channel) / static_cast<double>(axis.channels);
            const double angle = static_cast<double>(position) * (1.0 / std::pow(kBase, exponent));
            turns.push_back(static_cast<float>(std::cos(angle)));
            turns.push_back(static_cast<float>(std::sin(angle)));
        }
    }
    return turns;
}

}  // namespace

Tensor rotary_turns(const Context& context, const RotaryGrid& grid) {
    const std::vector<float> frames = turns_of(grid.frames), rows = turns_of(grid.rows),
                             columns = turns_of(grid.columns);
    const int64_t patches = grid.rows.positions * grid.columns.positions;
    Tensor turns = Tensor::empty(context, {grid.frames.positions, patches, grid.channels()}, DType::Float32);
    float* to = turns.data<float>();
    const auto add = [&to](const std::vector<float>& table, const RotaryAxis& axis, int64_t position) {
        to = std::copy_n(table.data() + position * axis.channels, axis.channels, to);
    };
    for (int64_t frame = 0; frame < grid.frames.positions; ++frame) {
        for (int64_t patch = 0; patch < patches; ++patch) {
            add(frames, grid.frames, frame);
            add(rows, grid.rows, patch / grid.columns.positions);
            add(columns, grid.columns, patch % grid.columns.positions);
        }
    }
    return turns;
}

}  // namespace kine::dit
