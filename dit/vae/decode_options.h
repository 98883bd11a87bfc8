// What a caller may choose of a decode.
#pragma once

#include <cstdint>

namespace kine::dit {

struct DecodeOptions {
    int64_t chunk = 0;           ///< latent frames at a time, 0: as the VAE declares
    int64_t tile = 0;            ///< side of a tile in latent pixels, 0: whole frames
    double tile_overlap = 0.25;  ///< share of a tile that is blended with its neighbour
    int64_t frames = 0;          ///< of the whole video, 0: as many as the latents hold
    int64_t bands = 1;           ///< of rows that several make together, where the VAE lets whole frames be shared so
};

}  // namespace kine::dit
