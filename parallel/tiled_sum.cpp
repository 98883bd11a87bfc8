#include "parallel/tiled_sum.h"

#include "kernels/elementwise/elementwise.h"
#include "parallel/parts.h"
#include "parallel/tile_pipeline.h"

#include <algorithm>
#include <utility>

namespace kine::parallel {

namespace {

class TiledSum final : public TiledWork {
  public:
    TiledSum(const Context& context, Communicator& ranks, const Tensor& x, const Tiling& tiling,
             const PartOfSum& compute)
        : context_(context),
          ranks_(ranks),
          x_(x),
          tiling_(tiling),
          compute_(compute),
          axis_(axis_of(tiling.resident.split)),
          tiles_(tiles_of(tiling.whole[tiling.tile_axis])) {}

    Tensor operator()() {
        run_tiles(context_, ranks_, tiles_, *this);
        return join(context_, sums_, tiling_.tile_axis);
    }

  private:
    /// This rank's tokens, to all.
    TileParts way_in(int tile) override {
        const Range rows = rows_of(tile);
        const Tensor own = packed(context_, x_.slice(tiling_.tile_axis, rows.begin, rows.end));
        TileParts parts{std::vector<Tensor>(count(), own), {}};
        for (int rank = 0; rank < ranks_.size(); ++rank) parts.awaited.push_back(shape_of(rank, tile));
        return parts;
    }

    /// What this rank adds to the sum of each.
    TileParts way_out(int tile) override {
        const Tensor part = std::exchange(part_, {});
        TileParts parts{{}, std::vector<Shape>(count(), shape_of(ranks_.rank(), tile))};
        for (int rank = 0; rank < ranks_.size(); ++rank) {
            const Range range = partition(tiling_.whole[axis_], rank, ranks_.size());
            parts.sent.push_back(packed(context_, part.slice(axis_, range.begin, range.end)));
        }
        return parts;
    }

    void arrived(int, const std::vector<Tensor>& parts) override { tokens_ = join(context_, parts, axis_); }

    void compute(int tile) override {
        const Tensor tokens = std::exchange(tokens_, {});
        part_ = compute_(tokens, rows_of(tile));
    }

    void returned(int, const std::vector<Tensor>& parts) override {
        Tensor sum = parts[0];
        for (size_t rank = 1; rank < parts.size() && sum.elements() > 0; ++rank)
            sum = kernels::add(context_, sum, parts[rank]);
        sums_.push_back(sum);
    }

    size_t count() const { return static_cast<size_t>(ranks_.size()); }

    Range rows_of(int tile) const { return partition(tiling_.whole[tiling_.tile_axis], tile, tiles_); }

    /// What `rank` has of a tile.
    Shape shape_of(int rank, int tile) const {
        Shape shape = tiling_.whole;
        shape.set(axis_, partition(tiling_.whole[axis_], rank, ranks_.size()).size());
        shape.set(tiling_.tile_axis, rows_of(tile).size());
        return shape;
    }

    const Context& context_;
    Communicator& ranks_;
    const Tensor& x_;
    const Tiling& tiling_;
    const PartOfSum& compute_;
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
    return TiledSum(context, communicator, x, tiling, compute)();
}

}  // namespace kine::parallel
