#include "dit/vae/tiling.h"

#include "kernels/blend/blend.h"

#include <algorithm>
#include <cmath>

namespace kine::dit {

namespace {

/// r_index at pixel `pixel`: how far this tile has faded in.
double fade_in(std::span<const TileSpan> spans, size_t index, int64_t pixel, int64_t factor) {
    if (index == 0) return 1.0;
    const double begin = static_cast<double>(spans[index].begin * factor);
    const double shared = static_cast<double>(spans[index - 1].end * factor) - begin;
    if (shared <= 0) return static_cast<double>(pixel) >= begin ? 1.0 : 0.0;
    return std::clamp((static_cast<double>(pixel) - begin + 0.5) / shared, 0.0, 1.0);
}

std::vector<TileSpan> band_spans(int64_t size, int64_t bands) {
    std::vector<TileSpan> spans;
    for (int64_t band = 0; band < bands; ++band) spans.push_back({size * band / bands, size * (band + 1) / bands});
    return spans;
}

Tensor weights_of(const Context& context, std::span<const TileSpan> spans, size_t index, int64_t factor) {
    const std::vector<float> values = blend_weights(spans, index, factor);
    return Tensor::of<float>(context, {static_cast<int64_t>(values.size())}, values);
}

}  // namespace

std::vector<TileSpan> tile_spans(int64_t size, int64_t tile, double overlap) {
    if (tile <= 0 || tile >= size) return {{0, size}};
    const auto shared = static_cast<int64_t>(std::floor(static_cast<double>(tile) * overlap));
    const int64_t step = tile - shared;
    const int64_t last = (size - tile + step - 1) / step;
    std::vector<TileSpan> spans;
    for (int64_t i = 0; i <= last; ++i) {
        const int64_t begin = i * (size - tile) / last;
        spans.push_back({begin, begin + tile});
    }
    return spans;
}

std::vector<float> blend_weights(std::span<const TileSpan> spans, size_t index, int64_t factor) {
    std::vector<float> weights;
    for (int64_t pixel = spans[index].begin * factor; pixel < spans[index].end * factor; ++pixel) {
        double weight = fade_in(spans, index, pixel, factor);
        for (size_t later = index + 1; later < spans.size(); ++later)
            weight *= 1.0 - fade_in(spans, later, pixel, factor);
        weights.push_back(static_cast<float>(weight));
    }
    return weights;
}

TileGrid::TileGrid(int64_t rows, int64_t columns, const DecodeOptions& options, int64_t factor)
    : rows_(options.bands > 1 ? band_spans(rows, options.bands) : tile_spans(rows, options.tile, options.tile_overlap)),
      columns_(tile_spans(columns, options.tile, options.tile_overlap)),
      factor_(factor) {}

Tensor TileGrid::window(const Tensor& latents, int64_t tile) const {
    const TileSpan rows = rows_[row_of(tile)], columns = columns_[column_of(tile)];
    return latents.slice(2, rows.begin, rows.end).slice(3, columns.begin, columns.end);
}

Shape TileGrid::tile_shape(int64_t tile, int64_t frames) const {
    return {frames, rows_[row_of(tile)].size() * factor_, columns_[column_of(tile)].size() * factor_, 3};
}

Shape TileGrid::whole_shape(int64_t frames) const {
    return {frames, rows_.back().end * factor_, columns_.back().end * factor_, 3};
}

void TileGrid::add(const Context& context, Tensor& pictures, int64_t tile, const Tensor& pixels) const {
    const size_t row = row_of(tile), column = column_of(tile);
    Tensor place = pictures.slice(1, rows_[row].begin * factor_, rows_[row].end * factor_)
                       .slice(2, columns_[column].begin * factor_, columns_[column].end * factor_);
    kernels::add_weighted(context, place, pixels, weights_of(context, rows_, row, factor_),
                          weights_of(context, columns_, column, factor_));
}

bool TileCanvas::add(const Context& context, int64_t tile, Tensor pixels) {
    if (grid_.count() == 1) {
        pictures_ = std::move(pixels);
        return true;
    }
    if (!pictures_) pictures_ = Tensor::zeros(context, grid_.whole_shape(pixels.dim(0)), DType::Float32);
    grid_.add(context, pictures_, tile, pixels);
    return tile + 1 == grid_.count();
}

}  // namespace kine::dit
