#include "dit/modules/rotary_grid.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kine::dit {

namespace {

constexpr double kBase = 10000.0;

struct Turn {
    float cos;
    float sin;
};

Turn turn_in_double(float position, double exponent) {
    const double angle = static_cast<double>(position) * (1.0 / std::pow(kBase, exponent));
    return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

Turn turn_in_float(float position, float exponent) {
    const float angle = position * (1.0f / std::pow(static_cast<float>(kBase), exponent));
    return {std::cos(angle), std::sin(angle)};
}

/// [positions * channels]: cos and sin of every pair.
std::vector<float> turns_of(const RotaryAxis& axis, RotaryArithmetic arithmetic) {
    std::vector<float> turns;
    for (const float position : axis.positions) {
        for (int64_t channel = 0; channel < axis.channels; channel += 2) {
            const double exponent = static_cast<double>(channel) / static_cast<double>(axis.channels);
            const Turn turn = arithmetic == RotaryArithmetic::Double
                                  ? turn_in_double(position, exponent)
                                  : turn_in_float(position, static_cast<float>(exponent));
            turns.push_back(turn.cos);
            turns.push_back(turn.sin);
        }
    }
    return turns;
}

}  // namespace

std::vector<float> counted_positions(int64_t count) {
    std::vector<float> positions;
    for (int64_t i = 0; i < count; ++i) positions.push_back(static_cast<float>(i));
    return positions;
}

Tensor rotary_turns(const Context& context, const RotaryGrid& grid) {
    const std::vector<float> frames = turns_of(grid.frames, grid.arithmetic),
                             rows = turns_of(grid.rows, grid.arithmetic),
                             columns = turns_of(grid.columns, grid.arithmetic);
    const auto count = [](const RotaryAxis& axis) { return static_cast<int64_t>(axis.positions.size()); };
    const int64_t patches = count(grid.rows) * count(grid.columns);
    const Shape shape = {count(grid.frames), patches, grid.channels()};
    std::vector<float> turns;
    turns.reserve(static_cast<size_t>(shape.elements()));
    const auto add = [&turns](const std::vector<float>& table, const RotaryAxis& axis, int64_t position) {
        const auto from = table.begin() + position * axis.channels;
        turns.insert(turns.end(), from, from + axis.channels);
    };
    for (int64_t frame = 0; frame < count(grid.frames); ++frame) {
        for (int64_t patch = 0; patch < patches; ++patch) {
            add(frames, grid.frames, frame);
            add(rows, grid.rows, patch / count(grid.columns));
            add(columns, grid.columns, patch % count(grid.columns));
        }
    }
    return Tensor::of<float>(context, shape, turns);
}

}  // namespace kine::dit
