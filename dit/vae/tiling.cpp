#include "dit/vae/tiling.h"

#include "kernels/blend/blend.h"
#include "kernels/move/move.h"

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

/// The pixel spans of one axis with their weights as tensors.
struct TiledAxis {
    TiledAxis(const Context& context, int64_t size, const DecodeOptions& options, int64_t factor)
        : spans(tile_spans(size, options.tile, options.tile_overlap)) {
        for (size_t i = 0; i < spans.size(); ++i) {
            const std::vector<float> values = blend_weights(spans, i, factor);
            weights.push_back(Tensor::of<float>(context, {static_cast<int64_t>(values.size())}, values));
        }
    }

    std::vector<TileSpan> spans;
    std::vector<Tensor> weights;
};

/// Rows and columns of [F, Y, X, C].
Tensor window(const Tensor& picture, TileSpan rows, TileSpan columns, int64_t factor) {
    return picture.slice(1, rows.begin * factor, rows.end * factor)
        .slice(2, columns.begin * factor, columns.end * factor);
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

Tensor decode_tiles(const Context& context, const Tensor& latents, const DecodeOptions& options, int64_t factor,
                    const TileDecoder& decode_tile) {
    const TiledAxis rows(context, latents.dim(1), options, factor);
    const TiledAxis columns(context, latents.dim(2), options, factor);
    if (rows.spans.size() == 1 && columns.spans.size() == 1) return decode_tile(latents);
    Tensor pixels;
    for (size_t row = 0; row < rows.spans.size(); ++row) {
        for (size_t column = 0; column < columns.spans.size(); ++column) {
            const Tensor tile = decode_tile(window(latents, rows.spans[row], columns.spans[column], 1));
            if (!pixels) {
                pixels = Tensor::zeros(context, {tile.dim(0), latents.dim(1) * factor, latents.dim(2) * factor, 3},
                                       DType::Float32);
            }
            Tensor place = window(pixels, rows.spans[row], columns.spans[column], factor);
            kernels::add_weighted(context, place, tile, rows.weights[row], columns.weights[column]);
        }
    }
    return pixels;
}

}  // namespace kine::dit
