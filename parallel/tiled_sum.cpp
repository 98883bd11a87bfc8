#include "parallel/tiled_sum.h"

#include "kernels/elementwise/elementwise.h"
#include "parallel/parts.h"

#include <algorithm>
#include <utility>

namespace kine::parallel {

namespace {

constexpr int64_t kMostTiles = 4;  // each costs a round of messages; only the first gather and the last sum stay bare
constexpr int kNoTile = -1;

/// What one exchange does: bring a tile's tokens, take another's sums home.
struct Turn {
    int coming = kNoTile;
    int going = kNoTile;
};

class TiledSum {
  public:
    TiledSum(const Context& context, Communicator& ranks, const Tensor& x, const Tiling& tiling)
        : context_(context),
          ranks_(ranks),
          x_(x),
          tiling_(tiling),
          axis_(axis_of(tiling.resident.split)),
          tiles_(tiles_of(tiling.whole[tiling.tile_axis])) {}

    Tensor operator()(const PartOfSum& compute) {
        exchange({.coming = 0});
        for (int tile = 0; tile < tiles_; ++tile) {
            const Turn turn{tile + 1 < tiles_ ? tile + 1 : kNoTile, tile - 1};
            const Tensor tokens = std::exchange(tokens_, {});
            if (turn.coming == kNoTile && turn.going == kNoTile) {
                part_ = compute(tokens, rows_of(tile));
                continue;
            }
            Pending pending = begin(turn);
            Tensor part = compute(tokens, rows_of(tile));
            take(pending.wait(), turn);
            part_ = std::move(part);
        }
        exchange({.going = tiles_ - 1});
        return join(context_, sums_, tiling_.tile_axis);
    }

  private:
    Range rows_of(int tile) const { return partition(tiling_.whole[tiling_.tile_axis], tile, tiles_); }

    /// What `rank` has of a tile.
    Shape shape_of(int rank, int tile) const {
        Shape shape = tiling_.whole;
        shape.set(axis_, partition(tiling_.whole[axis_], rank, ranks_.size()).size());
        shape.set(tiling_.tile_axis, rows_of(tile).size());
        return shape;
    }

    Tensor own_tokens(int tile) const {
        const Range rows = rows_of(tile);
        return packed(context_, x_.slice(tiling_.tile_axis, rows.begin, rows.end));
    }

    /// What this rank adds to the sum of `rank`.
    Tensor part_for(int rank) const {
        const Range range = partition(tiling_.whole[axis_], rank, ranks_.size());
        return packed(context_, part_.slice(axis_, range.begin, range.end));
    }

    Pending begin(const Turn& turn) const {
        std::vector<Parcel> sent;
        std::vector<Awaited> awaited;
        const Tensor tokens = turn.coming == kNoTile ? Tensor() : own_tokens(turn.coming);
        for (int distance = 1; distance < ranks_.size(); ++distance) {
            const int peer = (ranks_.rank() + distance) % ranks_.size();
            if (turn.coming != kNoTile) {
                sent.push_back({peer, tokens});
                awaited.push_back({peer, shape_of(peer, turn.coming), x_.dtype()});
            }
            if (turn.going != kNoTile) {
                sent.push_back({peer, part_for(peer)});
                awaited.push_back({peer, shape_of(ranks_.rank(), turn.going), x_.dtype()});
            }
        }
        return ranks_.begin_send_receive(context_, sent, awaited);
    }

    void exchange(const Turn& turn) { take(begin(turn).wait(), turn); }

    /// `came` has tokens, sums or both of each peer, the next rank's first.
    void take(const std::vector<Tensor>& came, const Turn& turn) {
        const auto count = static_cast<size_t>(ranks_.size());
        std::vector<Tensor> tokens(count), sums(count);
        if (turn.coming != kNoTile) tokens[own()] = own_tokens(turn.coming);
        if (turn.going != kNoTile) sums[own()] = part_for(ranks_.rank());
        size_t next = 0;
        for (size_t distance = 1; distance < count; ++distance) {
            const size_t peer = (own() + distance) % count;
            if (turn.coming != kNoTile) tokens[peer] = came[next++];
            if (turn.going != kNoTile) sums[peer] = came[next++];
        }
        if (turn.coming != kNoTile) tokens_ = join(context_, tokens, axis_);
        if (turn.going != kNoTile) sums_.push_back(sum_of(sums));
    }

    Tensor sum_of(const std::vector<Tensor>& parts) const {
        Tensor sum = parts[0];
        if (sum.elements() == 0) return sum;
        for (size_t rank = 1; rank < parts.size(); ++rank) sum = kernels::add(context_, sum, parts[rank]);
        return sum;
    }

    size_t own() const { return static_cast<size_t>(ranks_.rank()); }

    const Context& context_;
    Communicator& ranks_;
    const Tensor& x_;
    const Tiling& tiling_;
    int axis_;
    int tiles_;
    Tensor tokens_;             // of the tile that comes next, whole
    Tensor part_;               // of the sum of the tile that was computed last
    std::vector<Tensor> sums_;  // of this rank's tokens, tile by tile
};

}  // namespace

int tiles_of(int64_t size) { return static_cast<int>(std::clamp<int64_t>(size, 1, kMostTiles)); }

Tensor tiled_sum(const Context& context, Communicator& communicator, const Tensor& x, const Tiling& tiling,
                 const PartOfSum& compute) {
    return TiledSum(context, communicator, x, tiling)(compute);
}

}  // namespace kine::parallel
