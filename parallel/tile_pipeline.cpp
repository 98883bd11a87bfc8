#include "parallel/tile_pipeline.h"

namespace kine::parallel {

namespace {

constexpr int kNoTile = -1;

/// What one exchange does: bring a tile's parts, take another's home.
struct Turn {
    int coming = kNoTile;
    int going = kNoTile;

    bool is_idle() const { return coming == kNoTile && going == kNoTile; }
};

class TilePipeline {
  public:
    TilePipeline(const Context& context, Communicator& ranks, TiledWork& work)
        : context_(context), ranks_(ranks), work_(work) {}

    void run(int tiles) {
        finish(begin({.coming = 0}));
        for (int tile = 0; tile < tiles; ++tile) {
            const Turn turn{tile + 1 < tiles ? tile + 1 : kNoTile, tile - 1};
            if (turn.is_idle()) {
                work_.compute(tile);
                continue;
            }
            Call call = begin(turn);
            work_.compute(tile);
            finish(std::move(call));
        }
        finish(begin({.going = tiles - 1}));
    }

  private:
    struct Call {
        Turn turn;
        Tensor own_coming, own_going;
        Pending pending;
    };

    Call begin(const Turn& turn) {
        const TileParts coming = turn.coming == kNoTile ? TileParts() : work_.way_in(turn.coming);
        const TileParts going = turn.going == kNoTile ? TileParts() : work_.way_out(turn.going);
        std::vector<Parcel> sent;
        std::vector<Awaited> awaited;
        for (int distance = 1; distance < ranks_.size(); ++distance) {  // the next rank first, which spreads the load
            const int peer = (ranks_.rank() + distance) % ranks_.size();
            const auto index = static_cast<size_t>(peer);
            for (const TileParts* parts : {&coming, &going}) {
                if (parts->sent.empty()) continue;
                sent.push_back({peer, parts->sent[index]});
                awaited.push_back({peer, parts->awaited[index], parts->sent[index].dtype()});
            }
        }
        const auto own = [&](const TileParts& parts) {
            return parts.sent.empty() ? Tensor() : parts.sent[own_index()];
        };
        return {turn, own(coming), own(going), ranks_.begin_send_receive(context_, sent, awaited)};
    }

    /// Of each peer something that comes, something that goes, or both, the next rank's first.
    void finish(Call call) {
        const std::vector<Tensor> came = call.pending.wait();
        const auto count = static_cast<size_t>(ranks_.size());
        std::vector<Tensor> coming(count), going(count);
        coming[own_index()] = std::move(call.own_coming);
        going[own_index()] = std::move(call.own_going);
        size_t next = 0;
        for (size_t distance = 1; distance < count; ++distance) {
            const size_t peer = (own_index() + distance) % count;
            if (call.turn.coming != kNoTile) coming[peer] = came[next++];
            if (call.turn.going != kNoTile) going[peer] = came[next++];
        }
        if (call.turn.coming != kNoTile) work_.arrived(call.turn.coming, coming);
        if (call.turn.going != kNoTile) work_.returned(call.turn.going, going);
    }

    size_t own_index() const { return static_cast<size_t>(ranks_.rank()); }

    const Context& context_;
    Communicator& ranks_;
    TiledWork& work_;
};

}  // namespace

void run_tiles(const Context& context, Communicator& ranks, int tiles, TiledWork& work) {
    TilePipeline(context, ranks, work).run(tiles);
}

}  // namespace kine::parallel
