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

#include "dit/vae/frame_decoder.h"

#include <functional>
#include <span>
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

/// Latents [F, y, x, C] of one tile -> its pixels [F', y * factor, x * factor, 3], f32. Tiles come in the same order
/// for every chunk of a video.
using TileDecoder = std::function<Tensor(const Tensor& tile)>;

/// latents [F, Y, X, C] -> pixels [F', Y * factor, X * factor, 3], f32.
Tensor decode_tiles(const Context& context, const Tensor& latents, const DecodeOptions& options, int64_t factor,
                    const TileDecoder& decode_tile);

}  // namespace kine::dit
