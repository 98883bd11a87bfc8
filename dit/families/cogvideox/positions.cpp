#include "dit/families/cogvideox/positions.h"

#include "dit/modules/position_table.h"
#include "dit/modules/rotary_grid.h"
#include "dit/sampling/schedules.h"
#include "kernels/elementwise/elementwise.h"

#include <cmath>

namespace kine::dit::cogvideox {

namespace {

int64_t rounded(double value) { return static_cast<int64_t>(std::nearbyint(value)); }  // halves to even

/// The part of the training's grid that one of `rows` x `columns` patches is laid over: as large as fits, in the
/// middle.
struct Region {
    int64_t rows;
    int64_t columns;
    int64_t top;
    int64_t left;
};

Region region_of(int64_t rows, int64_t columns, int64_t base_rows, int64_t base_columns) {
    const auto y = static_cast<double>(rows), x = static_cast<double>(columns);
    const auto base_y = static_cast<double>(base_rows), base_x = static_cast<double>(base_columns);
    Region region = {base_rows, base_columns, 0, 0};
    if (y / x > base_y / base_x) {
        region.columns = rounded(base_y / y * x);
    } else {
        region.rows = rounded(base_x / x * y);
    }
    region.top = rounded(static_cast<double>(base_rows - region.rows) / 2.0);
    region.left = rounded(static_cast<double>(base_columns - region.columns) / 2.0);
    return region;
}

/// `count` positions from `begin` towards `begin + length`. The last is that end times (count - 1) / count, so the
/// spacing is a little less than length / count where begin is above 0.
std::vector<float> laid_over(int64_t begin, int64_t length, int64_t count) {
    const auto end = static_cast<double>(begin + length);
    const auto last = end * static_cast<double>(count - 1) / static_cast<double>(count);
    return linear_space_in_float(static_cast<float>(begin), static_cast<float>(last), count);
}

Tensor bind_learned(const Scope& scope, const Config& config) {
    if (!config.use_learned_positional_embeddings) return {};
    const int64_t patches = (config.sample_height / config.patch_size) * (config.sample_width / config.patch_size);
    const int64_t rows = kTextLength + config.sample_latents() * patches;
    return scope.bind("pos_embedding", {1, rows, config.channels()}).reshape({rows, config.channels()});
}

}  // namespace

PositionTables::PositionTables(const Scope& scope, const Config& config)
    : config_(config), dtype_(scope.dtype()), learned_(bind_learned(scope / "patch_embed", config)) {}

/// Learned for one length only.
bool PositionTables::has_learned(const Shape& latents) const {
    return learned_ && (latents[1] - 1) * config_.temporal_compression_ratio + 1 == config_.sample_frames;
}

Tensor PositionTables::turns(const Context& context, const Shape& latents) const {
    const int64_t size = config_.patch_size, of_side = config_.attention_head_dim / 8 * 3;
    const int64_t rows = latents[2] / size, columns = latents[3] / size;
    RotaryGrid grid = {
        .frames = {counted_positions(latents[1] / config_.patch_frames()), config_.attention_head_dim / 4},
        .rows = {counted_positions(rows), of_side},
        .columns = {counted_positions(columns), of_side},
        .arithmetic = RotaryArithmetic::Float32};
    if (!config_.patch_size_t) {
        const Region region = region_of(rows, columns, config_.sample_height / size, config_.sample_width / size);
        grid.rows.positions = laid_over(region.top, region.rows, rows);
        grid.columns.positions = laid_over(region.left, region.columns, columns);
    }
    return rotary_turns(context, grid);
}

Positions PositionTables::operator()(const Context& context, const Shape& latents) const {
    Positions result;
    const int64_t rows = latents[2] / config_.patch_size, columns = latents[3] / config_.patch_size;
    if (config_.use_rotary_positional_embeddings) result.turns = turns(context, latents);
    if (has_learned(latents)) {
        const Tensor video = learned_.slice(0, kTextLength, learned_.dim(0));
        result.text = learned_.slice(0, 0, kTextLength);
        result.video = video.reshape({latents[1], rows * columns, config_.channels()});
    } else if (!config_.use_rotary_positional_embeddings || learned_) {
        const VideoGrid grid = {.frames = latents[1],
                                .rows = rows,
                                .columns = columns,
                                .temporal_interpolation = config_.temporal_interpolation_scale,
                                .spatial_interpolation = config_.spatial_interpolation_scale};
        result.video = kernels::cast(context, video_position_table(context, grid, config_.channels()), dtype_);
    }
    return result;
}

}  // namespace kine::dit::cogvideox
