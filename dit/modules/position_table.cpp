#include "dit/modules/position_table.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kine::dit {

namespace {

void write_sinusoid(double position, int64_t channels, float* out) {
    const int64_t half = channels / 2;
    for (int64_t k = 0; k < half; ++k) {
        const double frequency = 1.0 / std::pow(10000.0, static_cast<double>(k) / static_cast<double>(half));
        out[k] = static_cast<float>(std::sin(position * frequency));
        out[half + k] = static_cast<float>(std::cos(position * frequency));
    }
}

/// Coordinates are float32 in the reference, each division rounded.
std::vector<double> stretched(int64_t count, const PatchGrid& grid) {
    const auto stretch = static_cast<float>(static_cast<double>(count) / static_cast<double>(grid.base));
    std::vector<double> positions;
    for (int64_t i = 0; i < count; ++i) {
        positions.push_back(static_cast<float>(i) / stretch / static_cast<float>(grid.interpolation));
    }
    return positions;
}

std::vector<double> divided(int64_t count, double interpolation) {
    std::vector<double> positions;
    for (int64_t i = 0; i < count; ++i) positions.push_back(static_cast<float>(i) / static_cast<float>(interpolation));
    return positions;
}

/// A row of `channels` for each position.
std::vector<float> sinusoids(std::span<const double> positions, int64_t channels) {
    std::vector<float> rows(positions.size() * static_cast<size_t>(channels));
    float* row = rows.data();
    for (const double position : positions) {
        write_sinusoid(position, channels, row);
        row += channels;
    }
    return rows;
}

void append_row(const std::vector<float>& rows, int64_t channels, int64_t row, std::vector<float>& to) {
    const auto from = rows.begin() + row * channels;
    to.insert(to.end(), from, from + channels);
}

}  // namespace

Tensor position_table(const Context& context, std::span<const double> positions, int64_t channels) {
    return Tensor::of<float>(context, {static_cast<int64_t>(positions.size()), channels},
                             sinusoids(positions, channels));
}

Tensor patch_position_table(const Context& context, const PatchGrid& grid, int64_t channels) {
    const int64_t half = channels / 2;
    const std::vector<float> x = sinusoids(stretched(grid.columns, grid), half);
    const std::vector<float> y = sinusoids(stretched(grid.rows, grid), half);
    std::vector<float> table;
    for (int64_t patch = 0; patch < grid.rows * grid.columns; ++patch) {
        append_row(x, half, patch % grid.columns, table);
        append_row(y, half, patch / grid.columns, table);
    }
    return Tensor::of<float>(context, {grid.rows * grid.columns, channels}, table);
}

Tensor video_position_table(const Context& context, const VideoGrid& grid, int64_t channels) {
    const int64_t of_frame = channels / 4, of_side = channels / 8 * 3;
    const std::vector<float> frames = sinusoids(divided(grid.frames, grid.temporal_interpolation), of_frame);
    const std::vector<float> rows = sinusoids(divided(grid.rows, grid.spatial_interpolation), of_side);
    const std::vector<float> columns = sinusoids(divided(grid.columns, grid.spatial_interpolation), of_side);
    std::vector<float> table;
    for (int64_t frame = 0; frame < grid.frames; ++frame) {
        for (int64_t patch = 0; patch < grid.rows * grid.columns; ++patch) {
            append_row(frames, of_frame, frame, table);
            append_row(columns, of_side, patch % grid.columns, table);
            append_row(rows, of_side, patch / grid.columns, table);
        }
    }
    return Tensor::of<float>(context, {grid.frames, grid.rows * grid.columns, channels}, table);
}

}  // namespace kine::dit
