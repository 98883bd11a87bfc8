#include "dit/shared_decode.h"

#include "dit/band_exchange.h"
#include "dit/vae/blocks.h"
#include "kernels/color/color.h"
#include "kernels/elementwise/elementwise.h"
#include "runtime/tensor/staging.h"

#include <algorithm>
#include <chrono>

namespace kine::dit {

namespace {

/// What rank 0 says, before each round and when it has to wait: the pieces are wanted, or the frames of the last one
/// are not all taken yet.
enum class Word : int64_t { Wait, Go };

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// As tiles without overlap; only whole pictures are cut so.
DecodeOptions with_bands(const DecodeWork& work) {
    DecodeOptions options = work.options;
    const Pieces pieces = work.decoder.pieces(work.latents.shape(), options);
    if (pieces.sharing == Sharing::Bands && pieces.tiles == 1) options.bands = work.makers;
    return options;
}

class SharedDecode {
  public:
    SharedDecode(const Context& context, parallel::Communicator& communicator, const DecodeWork& work,
                 FrameTaker& taker)
        : context_(context),
          communicator_(communicator),
          work_(work),
          taker_(taker),
          options_(with_bands(work)),
          decoding_(work.decoder.begin(work.latents, options_)),
          pieces_(decoding_->pieces()),
          canvas_(decoding_->grid()) {
        communicator.set_timeout(work.rank_timeout);
        agree_on_format();
        if (options_.bands == 1) return;
        bands_.emplace(context, communicator, decoding_->grid());
        if (communicator.rank() < work.makers) decoding_->link_bands(*bands_);
    }

    DecodeTally operator()() {
        for (int64_t begin = 0; begin < pieces_.count(); begin = end_of_round(begin)) make_round(begin);
        agree_to_go_on();  // the others are not to wait for each other's reports while the last frames are taken
        tally_.traffic += communicator_.traffic();
        if (bands_) tally_.traffic += bands_->traffic();
        return tally_;
    }

  private:
    int maker_of(int64_t piece) const {
        const int64_t place = pieces_.sharing == Sharing::Anything ? piece : pieces_.piece(piece).tile;
        return static_cast<int>(place % work_.makers);
    }

    /// One piece a maker.
    int64_t end_of_round(int64_t begin) const {
        const bool is_free = pieces_.sharing == Sharing::Anything;
        const int64_t limit = is_free ? pieces_.count() : (pieces_.piece(begin).chunk + 1) * pieces_.tiles;
        return std::min(begin + work_.makers, limit);
    }

    int64_t frames_before(int64_t chunk) const {
        int64_t frames = 0;
        for (int64_t earlier = 0; earlier < chunk; ++earlier) frames += decoding_->frames(earlier);
        return frames;
    }

    void make_round(int64_t begin) {
        const int64_t end = end_of_round(begin);
        communicator_.set_place(fmt::format("decode of frame {}", frames_before(pieces_.piece(begin).chunk)));
        Tensor own;
        for (int64_t piece = begin; piece < end; ++piece) {
            if (maker_of(piece) == communicator_.rank()) own = make(pieces_.piece(piece));
        }
        agree_to_go_on();
        if (communicator_.rank() == 0) return hand_on(begin, end, std::move(own));
        std::vector<parallel::Parcel> sent;
        if (own) sent.push_back({0, own});
        communicator_.send_receive(context_, sent, {});
    }

    /// A picture of one tile is finished by its maker: an eighth to a quarter of the bytes travels, and rank 0 has less
    /// to do.
    bool makes_pictures() const { return decoding_->grid().count() == 1; }
    DType type_of_pieces() const { return makes_pictures() ? DType::UInt8 : DType::Float32; }

    Tensor make(Piece piece) {
        const ProfileZone zone(context_.profiler, "decode piece");
        const auto start = Clock::now();
        Tensor pixels = decoding_->make(context_, piece, work_.stop);
        check(kernels::all_finite(context_, pixels), ErrorCode::NotFinite, "decode: frames from {} on are not finite",
              frames_before(piece.chunk));
        if (makes_pictures()) pixels = finished(std::move(pixels));
        ++tally_.pieces;
        tally_.seconds += seconds_since(start);
        return pixels;
    }

    Tensor finished(Tensor pixels) const {
        return kernels::to_frames(context_, finished_pictures(context_, std::move(pixels)), format_);
    }

    Shape shape_of(Piece piece) const {
        const int64_t frames = decoding_->frames(piece.chunk);
        if (makes_pictures()) return {frames, frame_bytes(format_, width(), height())};
        return decoding_->grid().tile_shape(piece.tile, frames);
    }

    int height() const { return static_cast<int>(decoding_->grid().whole_shape(1)[1]); }
    int width() const { return static_cast<int>(decoding_->grid().whole_shape(1)[2]); }

    /// On rank 0.
    void hand_on(int64_t begin, int64_t end, Tensor own) {
        std::vector<parallel::Awaited> awaited;
        for (int64_t piece = begin; piece < end; ++piece) {
            if (maker_of(piece) != 0)
                awaited.push_back({maker_of(piece), shape_of(pieces_.piece(piece)), type_of_pieces()});
        }
        std::vector<Tensor> received;
        if (communicator_.size() > 1) {
            received = communicator_.send_receive(context_, {}, awaited);
        }
        auto next = received.begin();
        for (int64_t piece = begin; piece < end; ++piece) {
            add(pieces_.piece(piece).tile, std::move(maker_of(piece) == 0 ? own : *next++));
        }
    }

    void add(int64_t tile, Tensor pixels) {
        if (makes_pictures()) return deliver(pixels);
        if (canvas_.add(context_, tile, std::move(pixels))) deliver(finished(canvas_.take()));
    }

    /// Whoever takes the frames may be slow, or a player that was paused. That is no silence: rank 0 says so.
    void deliver(const Tensor& made) {
        const FrameBytes frames = {staging_.to_host(context_, made), format_, width(), height()};
        constexpr double kPatience = 0.25;  // until the next look whether the run was cancelled
        const double interval = work_.rank_timeout > 0 ? work_.rank_timeout / 4 : kPatience;
        auto last_word = Clock::now();
        while (!taker_.take(frames, std::min(kPatience, interval))) {
            check_running(work_.stop);
            if (seconds_since(last_word) < interval) continue;
            rank_0_says(Word::Wait);
            last_word = Clock::now();
        }
    }

    /// Everybody hears everybody: whoever is missing is named by all, not whoever waits for the one that is missing.
    Word rank_0_says(Word word) {
        if (communicator_.size() == 1) return word;
        const auto own = static_cast<int64_t>(word);
        const std::vector<Shape> shapes(static_cast<size_t>(communicator_.size()), Shape{1});
        const Context& host = context_.host();
        const Tensor part = Tensor::of<int64_t>(host, {1}, {&own, 1});
        return static_cast<Word>(communicator_.all_gather(host, part, shapes).front().data<int64_t>()[0]);
    }

    /// Ranks that are processes have a taker each, and nothing comes to those of the others.
    void agree_on_format() {
        const auto own = static_cast<int64_t>(taker_.format());
        const Context& host = context_.host();
        communicator_.set_place("the format of frames");
        const Tensor told =
            communicator_.broadcast(host, Tensor::of<int64_t>(host, {1}, {&own, 1}), {0, {1}, DType::Int64});
        format_ = static_cast<PixelFormat>(told.data<int64_t>()[0]);
    }

    void agree_to_go_on() {
        while (rank_0_says(Word::Go) != Word::Go) continue;
    }

    const Context& context_;
    parallel::Communicator& communicator_;
    const DecodeWork& work_;
    FrameTaker& taker_;
    DecodeOptions options_;
    std::unique_ptr<Decoding> decoding_;
    Pieces pieces_;
    TileCanvas canvas_;  // of rank 0
    PixelFormat format_ = PixelFormat::Rgb24;
    Staging staging_;
    std::optional<BandExchange> bands_;
    DecodeTally tally_;
};

}  // namespace

std::string_view limit_of(const Pieces& pieces) {
    switch (pieces.sharing) {
        case Sharing::Anything:
            return "there are no more pieces";
        case Sharing::Bands:
            return pieces.tiles > 1 ? "there are no more tiles" : "there are no more rows of latents";
        case Sharing::Tiles:
            break;
    }
    return pieces.tiles > 1 ? "there are no more tiles"
                            : "the VAE's norms see whole pictures and those before: only tiles can be made apart";
}

DecodeTally decode_on(const Context& context, parallel::Communicator& communicator, const DecodeWork& work,
                      FrameTaker& taker) {
    return SharedDecode(context, communicator, work, taker)();
}

}  // namespace kine::dit
