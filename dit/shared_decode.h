// One video's frames from several ranks. In rounds: every rank makes a piece (vae/decoding.h), then they go to rank 0,
// which puts them together and hands the frames on, in order, while the others make the next. So no rank is ever more
// than one piece ahead, however slow the one that takes the frames is.
#pragma once

#include "dit/vae/frame_decoder.h"
#include "parallel/communicator.h"
#include "runtime/frame/frame.h"

namespace kine::dit {

struct DecodeWork {
    const FrameDecoder& decoder;
    Tensor latents;  ///< [C, T, Y, X], the same on every rank
    DecodeOptions options;
    int64_t makers = 1;  ///< ranks that make pieces, the first ones; the others only see to it that they live
    double rank_timeout = 0;
    std::stop_token stop;
};

/// Pictures as they leave, on the host.
struct FrameBytes {
    Tensor bytes;  ///< u8 [F, bytes of a frame], the planes of each one after the other; good until frames are taken
    PixelFormat format = PixelFormat::Rgb24;
    int width = 0;
    int height = 0;
};

/// Where rank 0 hands frames on.
class FrameTaker {
  public:
    virtual ~FrameTaker() = default;
    /// What it wants frames to be; that of rank 0's counts.
    virtual PixelFormat format() const { return PixelFormat::Rgb24; }
    /// The next frames. False after `patience` seconds in which not all of them could be taken: the same call is to be
    /// made again.
    virtual bool take(const FrameBytes& frames, double patience) = 0;
};

/// What one rank did.
struct DecodeTally {
    int64_t pieces = 0;
    double seconds = 0;         ///< making them, waiting for the edges of other bands included
    parallel::Traffic traffic;  ///< of pieces and of edges
};

/// Why no more ranks than Pieces::most_makers() can make pieces.
std::string_view limit_of(const Pieces& pieces);

/// Every rank of `communicator` calls this; `taker` is called on rank 0 only.
DecodeTally decode_on(const Context& context, parallel::Communicator& communicator, const DecodeWork& work,
                      FrameTaker& taker);

}  // namespace kine::dit
