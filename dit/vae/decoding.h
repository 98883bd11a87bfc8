// A video comes out of a VAE in pieces: chunk by chunk of frames, each picture tile by tile. Those who share a video
// make some of the pieces each; whoever puts them together gets the bits that one alone would have made.
#pragma once

#include "dit/vae/band_links.h"
#include "dit/vae/tiling.h"

#include <stop_token>

namespace kine::dit {

struct Piece {
    int64_t chunk = 0;
    int64_t tile = 0;
};

/// What the makers of a video may do apart.
enum class Sharing {
    Anything,  ///< every piece
    Tiles,     ///< all pieces of a tile are made by one, in order: the VAE remembers from chunk to chunk, or sums over
               ///< whole pictures
    Bands,     ///< as Tiles, but whole pictures may be cut into bands of rows, whose makers trade the rows at the edges
};

struct Pieces {
    int64_t chunks = 1;
    int64_t tiles = 1;
    Sharing sharing = Sharing::Anything;
    int64_t rows = 1;  ///< of latents

    int64_t count() const { return chunks * tiles; }
    /// In the order in which pictures leave.
    Piece piece(int64_t number) const { return {number / tiles, number % tiles}; }
    int64_t most_makers() const;
};

/// One video on its way from latents to pixels. One thread at a time; those who share a video have one each.
class Decoding {
  public:
    explicit Decoding(TileGrid grid) : grid_(std::move(grid)) {}
    virtual ~Decoding() = default;
    Decoding(const Decoding&) = delete;
    Decoding& operator=(const Decoding&) = delete;

    const TileGrid& grid() const { return grid_; }
    virtual Pieces pieces() const = 0;
    virtual int64_t frames(int64_t chunk) const = 0;
    /// Pixels [frames, y, x, 3] f32 of one piece, around -1..1. The chunks of a tile come in order. With bands, all
    /// makers call it for the same chunk, each for its band.
    virtual Tensor make(const Context& context, Piece piece, const std::stop_token& stop) = 0;
    /// How the maker of a band reaches the others; before the first piece. Must outlive this.
    virtual void link_bands(BandLinks&) {}

  private:
    TileGrid grid_;
};

}  // namespace kine::dit
