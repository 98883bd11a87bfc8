#include "dit/modules/position_table.h"

#include "runtime/tensor/transfer.h"

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

}  // namespace

Tensor position_table(const Context& context, std::span<const double> positions, int64_t channels) {
    Tensor table = Tensor::empty(context.host(), {static_cast<int64_t>(positions.size()), channels}, DType::Float32);
    float* row = table.data<float>();
    for (const double position : positions) {
        write_sinusoid(position, channels, row);
        row += channels;
    }
    return to_device(context, table);
}

Tensor patch_position_table(const Context& context, const PatchGrid& grid, int64_t channels) {
    const std::vector<double> x = stretched(grid.columns, grid);
    const std::vector<double> y = stretched(grid.rows, grid);
    Tensor table = Tensor::empty(context.host(), {grid.rows * grid.columns, channels}, DType::Float32);
    float* row = table.data<float>();
    for (const double y_position : y) {
        for (const double x_position : x) {
            write_sinusoid(x_position, channels / 2, row);
            write_sinusoid(y_position, channels / 2, row + channels / 2);
            row += channels;
        }
    }
    return to_device(context, table);
}

Tensor video_position_table(const Context& context, const VideoGrid& grid, int64_t channels) {
    const int64_t of_frame = channels / 4, of_side = channels / 8 * 3;
    const Tensor frames = position_table(context.host(), divided(grid.frames, grid.temporal_interpolation), of_frame);
    const Tensor rows = position_table(context.host(), divided(grid.rows, grid.spatial_interpolation), of_side);
    const Tensor columns = position_table(context.host(), divided(grid.columns, grid.spatial_interpolation), of_side);
    Tensor table = Tensor::empty(context.host(), {grid.frames, grid.rows * grid.columns, channels}, DType::Float32);
    float* to = table.data<float>();
    const auto add = [&to](const Tensor& axis, int64_t position) {
        to = std::copy_n(axis.data<float>() + position * axis.dim(1), axis.dim(1), to);
    };
    for (int64_t frame = 0; frame < grid.frames; ++frame) {
        for (int64_t patch = 0; patch < grid.rows * grid.columns; ++patch) {
            add(frames, frame);
            add(columns, patch % grid.columns);
            add(rows, patch / grid.columns);
        }
    }
    return to_device(context, table);
}

}  // namespace kine::dit
