#include "dit/vae/frame_decoder.h"

#include "dit/vae/blocks.h"
#include "dit/vae/chunking.h"
#include "kernels/elementwise/elementwise.h"

#include <algorithm>

namespace kine::dit {

int64_t Pieces::most_makers() const {
    if (sharing == Sharing::Anything) return count();
    return sharing == Sharing::Bands && tiles == 1 ? rows : tiles;
}

Tensor finished_pictures(const Context& context, Tensor pixels) {
    pixels = kernels::scale(context, pixels, 0.5f, 0.5f);
    return kernels::clamp(context, pixels, 0.0f, 1.0f);
}

std::unique_ptr<Decoding> FrameDecoder::begin(const Tensor& latents, const DecodeOptions& options) const {
    check_decode_options(options);
    const bool fits = latents.rank() == 4 && latents.dim(0) == latent_channels() && latents.elements() > 0;
    check(fits, ErrorCode::BadInput, "latents must have the shape [{}, frames, rows, columns], came {}",
          latent_channels(), to_string(latents.shape()));
    return open(latents, options);
}

void FrameDecoder::decode(const Context& context, const Tensor& latents, const DecodeOptions& options,
                          std::stop_token stop, const FrameConsumer& consume) const {
    const std::unique_ptr<Decoding> decoding = begin(latents, options);
    const Pieces pieces = decoding->pieces();
    TileCanvas canvas(decoding->grid());
    for (int64_t number = 0; number < pieces.count(); ++number) {
        check_running(stop);
        const Piece piece = pieces.piece(number);
        if (!canvas.add(context, piece.tile, decoding->make(context, piece, stop))) continue;
        consume(finished_pictures(context, canvas.take()));
    }
}

}  // namespace kine::dit
