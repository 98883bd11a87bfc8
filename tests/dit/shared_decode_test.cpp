// One video's frames from several ranks: the bits of one rank, in order, and never far ahead of whoever takes them.
#include "dit/shared_decode.h"
#include "dit/families/families.h"
#include "dit/families/family.h"
#include "dit/frame_feed.h"
#include "dit/ranks.h"
#include "kernels/color/color.h"
#include "kernels/move/move.h"
#include "tests/support/expect_close.h"
#include "tests/support/random.h"
#include "tests/support/source_tree.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace kine::dit {
namespace {

/// Keeps what it is given.
class Album final : public FrameTaker {
  public:
    explicit Album(PixelFormat format = PixelFormat::Rgb24) : format_(format) {}
    PixelFormat format() const override { return format_; }
    bool take(const FrameBytes& frames, double) override {
        chunks.push_back(frames.bytes);
        return true;
    }
    std::vector<Tensor> chunks;

  private:
    PixelFormat format_;
};

/// `decoder` on so many ranks, all of which make pieces.
std::vector<DecodeTally> decode_by_ranks(const Context& context, const DecodeWork& work, FrameTaker& taker) {
    std::vector<DecodeTally> tallies(static_cast<size_t>(work.makers));
    on_ranks(context, {.ranks = static_cast<int>(work.makers)},
             [&](const Context& own, parallel::Communicator& communicator) {
                 tallies[static_cast<size_t>(communicator.rank())] = decode_on(own, communicator, work, taker);
             });
    return tallies;
}

struct VaeRow {
    const char* golden;
    int64_t latent_frames;
    DType dtype = DType::Float32;
};

class SharedDecodeOf : public testing::TestWithParam<VaeRow> {
  protected:
    std::vector<Tensor> alone(const Tensor& latents, const DecodeOptions& options, PixelFormat format) {
        std::vector<Tensor> chunks;
        model->decoder->decode(bundle.context, latents, options, {}, [&](const Tensor& pictures) {
            chunks.push_back(kernels::to_frames(bundle.context, pictures, format));
        });
        return chunks;
    }

    /// On every number of ranks that there is work for.
    void expect_bits_of_one_rank(const Tensor& latents, const DecodeOptions& options, PixelFormat format) {
        const std::vector<Tensor> expected = alone(latents, options, format);
        const int64_t most = std::min<int64_t>(5, model->decoder->pieces(latents.shape(), options).most_makers());
        for (int64_t ranks = 1; ranks <= most; ++ranks) {
            Album album(format);
            decode_by_ranks(bundle.context, {*model->decoder, latents, options, ranks, 60, {}}, album);
            ASSERT_EQ(album.chunks.size(), expected.size());
            for (size_t i = 0; i < expected.size(); ++i) {
                ASSERT_TRUE(same_bits(album.chunks[i], expected[i]))
                    << ranks << " ranks, chunk " << options.chunk << ", tile " << options.tile << ", at " << i;
            }
        }
    }

    TestContext bundle{2};
    std::unique_ptr<Model> model =
        load_model(bundle.context, diffusers_source(source_tree() / "tests" / "golden" / GetParam().golden / "model"),
                   GetParam().dtype);
};

TEST_P(SharedDecodeOf, GivesTheBitsOfOneRankWhateverIsShared) {
    const Shape shape = {model->decoder->latent_channels(), GetParam().latent_frames, 7, 5};
    const Tensor latents = random_tensor(bundle.context, shape, DType::Float32, 3);
    for (const DecodeOptions& options :
         {DecodeOptions{}, {.chunk = 1}, {.tile = 4}, {.chunk = 2, .tile = 3}, {.tile = 9}})
        expect_bits_of_one_rank(latents, options, PixelFormat::Rgb24);
    for (const DecodeOptions& options : {DecodeOptions{.chunk = 1}, {.tile = 4}})
        expect_bits_of_one_rank(latents, options, PixelFormat::Yuv420p);
}

TEST_P(SharedDecodeOf, LetsEveryRankThatCanMakePieces) {
    const Shape shape = {model->decoder->latent_channels(), GetParam().latent_frames, 7, 5};
    const Tensor latents = random_tensor(bundle.context, shape, DType::Float32, 3);
    for (const DecodeOptions& options : {DecodeOptions{}, {.chunk = 1, .tile = 3}}) {
        const Pieces pieces = model->decoder->pieces(shape, options);
        Album album;
        const int64_t ranks = std::min<int64_t>(4, pieces.most_makers());
        for (const DecodeTally& tally :
             decode_by_ranks(bundle.context, {*model->decoder, latents, options, ranks, 60, {}}, album)) {
            EXPECT_GE(tally.pieces, 1);
            EXPECT_GT(tally.seconds, 0);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(EveryVae, SharedDecodeOf,
                         testing::Values(VaeRow{"latte", 5}, VaeRow{"open_sora", 7}, VaeRow{"cogvideox_2b", 5},
                                         VaeRow{"wan", 4}, VaeRow{"wan", 4, DType::BFloat16}),
                         [](const auto& row) {
                             return fmt::format("{}_{}", row.param.golden, name_of(row.param.dtype));
                         });

/// A decoder whose pixels say which piece they are, and that tells a test what happens.
class NumberedDecoder final : public FrameDecoder {
  public:
    using Hook = std::function<void(Piece piece)>;
    explicit NumberedDecoder(Hook hook) : hook_(std::move(hook)) {}

    Pieces pieces(const Shape& latents, const DecodeOptions&) const override { return {.chunks = latents[1]}; }
    int64_t spatial_factor() const override { return 1; }
    int64_t frames_of(int64_t latent_frames) const override { return latent_frames; }
    int64_t latent_frames_of(int64_t frames) const override { return frames; }
    int64_t latent_channels() const override { return 1; }
    int64_t working_bytes(int64_t, int64_t, const DecodeOptions&) const override { return 0; }

  private:
    class Numbers final : public Decoding {
      public:
        Numbers(const Tensor& latents, const DecodeOptions& options, const Hook& hook)
            : Decoding({latents.dim(2), latents.dim(3), options, 1}), latents_(latents), hook_(hook) {}
        Pieces pieces() const override { return {.chunks = latents_.dim(1)}; }
        int64_t frames(int64_t) const override { return 1; }
        Tensor make(const Context& context, Piece piece, const std::stop_token&) override {
            hook_(piece);
            Tensor pixels = Tensor::zeros(context, {1, latents_.dim(2), latents_.dim(3), 3}, DType::Float32);
            const auto number = static_cast<float>(piece.chunk);
            std::fill_n(pixels.data<float>(), pixels.elements(), number / 127.5f - 1.0f);
            return pixels;
        }

      private:
        Tensor latents_;
        const Hook& hook_;
    };

    std::unique_ptr<Decoding> open(const Tensor& latents, const DecodeOptions& options) const override {
        return std::make_unique<Numbers>(latents, options, hook_);
    }

    Hook hook_;
};

class SharedDecode : public testing::Test {
  protected:
    DecodeWork work(const FrameDecoder& decoder, int64_t frames, int64_t ranks) {
        return {decoder, Tensor::zeros(bundle.context, {1, frames, 2, 2}, DType::Float32), {}, ranks, 60, {}};
    }

    std::string failure_of(const DecodeWork& asked, FrameTaker& taker, ErrorCode code) {
        try {
            decode_by_ranks(bundle.context, asked, taker);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), code) << error.what();
            return error.what();
        }
        ADD_FAILURE() << "nothing failed";
        return {};
    }

    TestContext bundle{4};
};

TEST_F(SharedDecode, HandsFramesOnInOrderWithNoRankMoreThanARoundAhead) {
    constexpr int64_t kRanks = 3;
    class Counter final : public FrameTaker {
      public:
        bool take(const FrameBytes& frames, double) override {
            EXPECT_EQ(frames.bytes.data<uint8_t>()[0], taken);
            ++taken;
            return true;
        }
        std::atomic<int64_t> taken = 0;
    } counter;
    const NumberedDecoder decoder([&](Piece piece) { EXPECT_LT(piece.chunk, counter.taken + 2 * kRanks); });
    decode_by_ranks(bundle.context, work(decoder, 20, kRanks), counter);
    EXPECT_EQ(counter.taken, 20);
}

TEST_F(SharedDecode, HandsFramesOnWhileOtherRanksDecode) {
    std::latch is_taken(1), is_making(1);
    class Meeting final : public FrameTaker {
      public:
        Meeting(std::latch& taken, std::latch& making) : is_taken_(taken), is_making_(making) {}
        bool take(const FrameBytes&, double) override {
            if (count_++ == 0) is_making_.wait();  // for ever, if no other rank decodes meanwhile
            if (count_ == 1) is_taken_.count_down();
            return true;
        }

      private:
        std::latch& is_taken_;
        std::latch& is_making_;
        int count_ = 0;
    } meeting(is_taken, is_making);
    const NumberedDecoder decoder([&](Piece piece) {
        if (piece.chunk != 3) return;  // the second piece of rank 1
        is_making.count_down();
        is_taken.wait();
    });
    decode_by_ranks(bundle.context, work(decoder, 6, 2), meeting);
}

TEST_F(SharedDecode, DoesNotTakeASlowTakerForASilentRank) {
    class Slow final : public FrameTaker {
      public:
        Slow() { full_.push({}); }
        bool take(const FrameBytes&, double patience) override {
            full_.wait_for_room(std::chrono::steady_clock::now() +
                                std::chrono::microseconds(static_cast<int64_t>(patience * 1e6)));
            return ++calls % 6 == 0;  // of a quarter of the timeout each
        }
        int calls = 0;

      private:
        FrameQueue full_{1};
    } slow;
    const NumberedDecoder decoder([](Piece) {});
    DecodeWork patient = work(decoder, 2, 2);
    patient.rank_timeout = 0.5;
    decode_by_ranks(bundle.context, patient, slow);
    EXPECT_EQ(slow.calls, 2 * 6);
}

TEST_F(SharedDecode, BringsHomeTheErrorOfARankAfterTheFramesBeforeIt) {
    const NumberedDecoder decoder([](Piece piece) {
        if (piece.chunk == 5) fail(ErrorCode::DoesNotFit, "no memory");
    });
    Album album;
    const std::string message = failure_of(work(decoder, 9, 3), album, ErrorCode::DoesNotFit);
    EXPECT_EQ(message, "rank 2, decode of frame 3: no memory");
    EXPECT_EQ(album.chunks.size(), 3u);
}

TEST_F(SharedDecode, EndsOnEveryRankWhenWhoeverTakesTheFramesGivesUp) {
    class Refusing final : public FrameTaker {
      public:
        bool take(const FrameBytes&, double) override { fail(ErrorCode::Output, "the disk is full"); }
    } refusing;
    const NumberedDecoder decoder([](Piece) {});
    EXPECT_EQ(failure_of(work(decoder, 9, 3), refusing, ErrorCode::Output),
              "rank 0, decode of frame 0: the disk is full");
}

TEST_F(SharedDecode, EndsAsInterruptedWhenCancelledWhileNobodyTakesFrames) {
    std::stop_source stop;
    class Idle final : public FrameTaker {
      public:
        explicit Idle(std::stop_source& source) : stop_(source) {}
        bool take(const FrameBytes&, double) override {
            stop_.request_stop();
            return false;
        }

      private:
        std::stop_source& stop_;
    } idle(stop);
    const NumberedDecoder decoder([](Piece) {});
    DecodeWork cancelled = work(decoder, 9, 3);
    cancelled.stop = stop.get_token();
    failure_of(cancelled, idle, ErrorCode::Interrupted);
}

class HungDecode : public SharedDecode, public testing::WithParamInterface<int> {};

TEST_P(HungDecode, IsNoticedByTheOthersWhoNameItAndTheFrame) {
    std::latch release(1);
    const NumberedDecoder decoder([&](Piece piece) {
        if (piece.chunk == 3 + GetParam()) release.wait();
    });
    Album album;
    DecodeWork hung = work(decoder, 9, 3);
    hung.rank_timeout = 0.5;
    std::string told;
    const auto body = [&](const Context& own, parallel::Communicator& communicator) {
        decode_on(own, communicator, hung, album);
    };
    const auto on_stuck = [&](const Error& failure) {
        EXPECT_EQ(failure.code(), ErrorCode::Rank);
        told = failure.what();
        release.count_down();
    };
    EXPECT_THROW(on_ranks(bundle.context, {.ranks = 3, .on_stuck = on_stuck}, body), Error);
    EXPECT_NE(told.find(fmt::format("rank {} did not answer", GetParam())), std::string::npos) << told;
    EXPECT_NE(told.find("decode of frame 3"), std::string::npos) << told;
    EXPECT_EQ(album.chunks.size(), 3u) << "what was finished";
}

INSTANTIATE_TEST_SUITE_P(Each, HungDecode, testing::Values(0, 1, 2));

/// As where ranks are processes: only rank 0 knows who takes the frames.
TEST_F(SharedDecode, MakesOnEveryRankWhatRank0HasATakerFor) {
    const NumberedDecoder decoder([](Piece) {});
    const DecodeWork asked = work(decoder, 5, 3);
    Album wanted(PixelFormat::Yuv420p), others;
    on_ranks(bundle.context, {.ranks = 3}, [&](const Context& own, parallel::Communicator& communicator) {
        decode_on(own, communicator, asked, communicator.rank() == 0 ? wanted : others);
    });
    EXPECT_TRUE(others.chunks.empty());
    ASSERT_EQ(wanted.chunks.size(), 5u);
    for (const Tensor& chunk : wanted.chunks) EXPECT_EQ(chunk.shape(), (Shape{1, 6}));
}

TEST(FrameFeed, MakesThePlanesOfWhatTheQueueIsFor) {
    TestContext bundle(1);
    FrameQueue queue(2, PixelFormat::Yuv420p);
    FrameFeed feed(queue, 2, [](int64_t) {});
    EXPECT_EQ(feed.format(), PixelFormat::Yuv420p);
    FrameBytes frames = {Tensor::zeros(bundle.context, {2, 27}, DType::UInt8), PixelFormat::Yuv420p, 5, 3};
    for (int i = 0; i < 54; ++i) frames.bytes.data<uint8_t>()[i] = static_cast<uint8_t>(i);
    ASSERT_TRUE(feed.take(frames, 0.0));
    queue.pop();
    const std::optional<Frame> second = queue.pop();
    EXPECT_EQ(second->format(), PixelFormat::Yuv420p);
    EXPECT_EQ(second->index, 1);
    EXPECT_EQ(second->plane(0).front(), 27);
    EXPECT_EQ(second->plane(1), (std::vector<uint8_t>{42, 43, 44, 45, 46, 47}));
}

TEST(FrameFeed, GoesOnWhereAFullQueueStoppedIt) {
    TestContext bundle(1);
    FrameQueue queue(2);
    std::vector<int64_t> told;
    FrameFeed feed(queue, 4, [&](int64_t done) { told.push_back(done); });
    FrameBytes pictures = {Tensor::zeros(bundle.context, {5, 12}, DType::UInt8), PixelFormat::Rgb24, 2, 2};
    for (int64_t i = 0; i < 5; ++i) pictures.bytes.data<uint8_t>()[i * 12] = static_cast<uint8_t>(i);
    std::vector<int> seen;
    while (!feed.take(pictures, 0.0)) {
        const std::optional<Frame> frame = queue.pop();
        seen.push_back(frame->plane(0)[0]);
    }
    while (queue.size() > 0) seen.push_back(queue.pop()->plane(0)[0]);
    EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3})) << "and not the fifth, which nobody asked for";
    EXPECT_EQ(told, std::vector<int64_t>{4});
}

}  // namespace
}  // namespace kine::dit
