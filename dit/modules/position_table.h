// Fixed sine and cosine position tables, computed in double and rounded once, as the published models do.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <span>

namespace kine::dit {

/// [sin(p f), cos(p f)], f_k = 10000^(-k / (C / 2)) -> [positions, C] f32.
Tensor position_table(const Context& context, std::span<const double> positions, int64_t channels);

/// For a grid of patches, x fastest: half of the channels for the column, then half for the row -> [rows * columns, C]
/// f32. The grid is stretched to `base` positions a side and divided by `interpolation`.
struct PatchGrid {
    int64_t rows = 0;
    int64_t columns = 0;
    int64_t base = 0;
    double interpolation = 1.0;
};
Tensor patch_position_table(const Context& context, const PatchGrid& grid, int64_t channels);

/// For patches over frames, rows and columns -> [T, rows * columns, C] f32: a quarter of the channels for the frame,
/// then three eighths for the column and three for the row. Positions are divided by the interpolations in float32.
struct VideoGrid {
    int64_t frames = 0;
    int64_t rows = 0;
    int64_t columns = 0;
    double temporal_interpolation = 1.0;
    double spatial_interpolation = 1.0;
};
Tensor video_position_table(const Context& context, const VideoGrid& grid, int64_t channels);

}  // namespace kine::dit
