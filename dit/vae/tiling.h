// Large frames are decoded in overlapping tiles and blended, so that memory is that of one tile and a picture of
// pixels.
//
// Along each axis all tiles are equally long and spread evenly from edge to edge; neighbours share at least
// floor(tile * overlap) latent pixels. A pixel's value is the weighted sum of the tiles that hold it. The weight of
// tile i along one axis, at pixel p of the axis, is
//
//     w_i(p) = r_i(p) * product over j > i of (1 - r_j(p)),    r_i(p) = clamp((p - begin_i + 1/2) / shared_i, 0, 1),
//
// with shared_i = end_(i-1) - begin_i the pixels shared with the tile before, and r_0 = 1: each tile fades in linearly
// over what was there before it. The weights of all tiles sum to 1 everywhere, and are exactly 1 where a tile is alone.
// The weight in a picture is the product of the two axes'.
#pragma once

#include "dit/vae/decode_options.h"
#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <span>
#include <utility>
#include <vector>

namespace kine::dit {

struct TileSpan {
    int64_t begin = 0;
    int64_t end = 0;
    int64_t size() const { return end - begin; }
    bool operator==(const TileSpan&) const = default;
};

/// The spans of one axis of `size` latent pixels; one span of everything where `tile` is not smaller.
std::vector<TileSpan> tile_spans(int64_t size, int64_t tile, double overlap);

/// w_index at each pixel of span `index`; `factor` pixels for each latent pixel.
std::vector<float> blend_weights(std::span<const TileSpan> spans, size_t index, int64_t factor);

/// The tiles of a picture, row by row.
class TileGrid {
  public:
    /// `factor` pixels for each latent pixel, a side. With bands: so many, as evenly as whole rows allow.
    TileGrid(int64_t rows, int64_t columns, const DecodeOptions& options, int64_t factor);

    int64_t count() const { return static_cast<int64_t>(rows_.size() * columns_.size()); }
    /// Latents [C, F, Y, X] -> those of a tile.
    Tensor window(const Tensor& latents, int64_t tile) const;
    /// Of a tile's pixels in so many frames, and of whole pictures.
    Shape tile_shape(int64_t tile, int64_t frames) const;
    Shape whole_shape(int64_t frames) const;
    /// Adds a tile's pixels, weighted, to whole pictures.
    void add(const Context& context, Tensor& pictures, int64_t tile, const Tensor& pixels) const;

  private:
    size_t row_of(int64_t tile) const { return static_cast<size_t>(tile) / columns_.size(); }
    size_t column_of(int64_t tile) const { return static_cast<size_t>(tile) % columns_.size(); }

    std::vector<TileSpan> rows_;
    std::vector<TileSpan> columns_;
    int64_t factor_;
};

/// Where the pictures of a chunk come together; a single tile is the picture. The grid must outlive it.
class TileCanvas {
  public:
    explicit TileCanvas(const TileGrid& grid) : grid_(grid) {}

    /// Pixels [F, y, x, 3] f32 of the next tile, in order. Whether the pictures are whole now.
    bool add(const Context& context, int64_t tile, Tensor pixels);
    /// Pictures [F, Y, X, 3] that are whole.
    Tensor take() { return std::exchange(pictures_, {}); }

  private:
    const TileGrid& grid_;
    Tensor pictures_;
};

}  // namespace kine::dit
