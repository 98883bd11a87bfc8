#include "parallel/tiled_switch.h"

#include "kernels/move/move.h"
#include "parallel/parts.h"
#include "parallel/reshard.h"
#include "parallel/tile_pipeline.h"

#include <algorithm>
#include <utility>

namespace kine::parallel {

namespace {

bool moves(const SwitchedTokens& change, int ranks) {
    const bool are_split = change.resident.split != Split::None && change.needed.split != Split::None;
    return ranks > 1 && are_split && change.resident != change.needed;
}

bool cuts_needed_axis(const SwitchedTokens& change) { return change.tile_axis == axis_of(change.needed.split); }

/// Whatever the number of tiles, so that small sizes show what is wrong with large ones.
void check_results(const Tensor& results, const Shape& expected, DType dtype) {
    check(results.shape() == expected && results.dtype() == dtype, ErrorCode::Bug,
          "tiled_switch: expected results {} of {}, came {} of {}", to_string(expected), name_of(dtype),
          to_string(results.shape()), name_of(results.dtype()));
}

/// Who has which rows of a tile.
struct Rows {
    const SwitchedTokens& change;
    int ranks;
    int tiles;

    Range resident(int rank) const { return partition(change.tokens[axis_of(change.resident.split)], rank, ranks); }

    /// Of a tile, where it is computed.
    Range needed(int rank, int tile) const {
        const Range own = partition(change.tokens[axis_of(change.needed.split)], rank, ranks);
        return cuts_needed_axis(change) ? part_of(own, tile) : own;
    }

    /// Of a tile along its axis, on the rank that computes it.
    Range of_tile(int rank, int tile) const {
        return cuts_needed_axis(change) ? needed(rank, tile) : part_of({0, change.tokens[change.tile_axis]}, tile);
    }

  private:
    Range part_of(Range rows, int tile) const {
        const Range part = partition(rows.size(), tile, tiles);
        return {rows.begin + part.begin, rows.begin + part.end};
    }
};

class TiledSwitch final : public TiledWork {
  public:
    TiledSwitch(const Context& context, Communicator& ranks, const Tensor& x, const SwitchedTokens& change, int tiles,
                const ComputeTile& compute)
        : context_(context),
          ranks_(ranks),
          x_(x),
          change_(change),
          compute_(compute),
          home_(axis_of(change.resident.split)),
          away_(axis_of(change.needed.split)),
          rows_{change, ranks.size(), tiles} {}

    Tensor operator()() {
        const Shape expected = resident_part(change_.tokens);
        check(x_.shape() == expected, ErrorCode::Bug, "tiled_switch: rank {} of {} expected {}, came {}", ranks_.rank(),
              ranks_.size(), to_string(expected), to_string(x_.shape()));
        results_ = Tensor::empty(context_, resident_part(change_.results), x_.dtype());
        run_tiles(context_, ranks_, rows_.tiles, *this);
        return results_;
    }

  private:
    TileParts way_in(int tile) override {
        TileParts parts;
        for (int rank = 0; rank < ranks_.size(); ++rank) {
            parts.sent.push_back(packed(context_, at_home(x_, rank, tile)));
            parts.awaited.push_back(shape_of(change_.tokens, rank, ranks_.rank(), tile));
        }
        return parts;
    }

    TileParts way_out(int tile) override {
        const Tensor computed = std::exchange(computed_, {});
        TileParts parts;
        for (int rank = 0; rank < ranks_.size(); ++rank) {
            const Range rows = rows_.resident(rank);
            parts.sent.push_back(packed(context_, computed.slice(home_, rows.begin, rows.end)));
            parts.awaited.push_back(shape_of(change_.results, ranks_.rank(), rank, tile));
        }
        return parts;
    }

    void arrived(int, const std::vector<Tensor>& parts) override { tokens_ = join(context_, parts, home_); }

    void compute(int tile) override {
        const Tensor tokens = std::exchange(tokens_, {});
        computed_ = compute_(tokens, rows_.of_tile(ranks_.rank(), tile));
        check_results(computed_, whole_of(change_.results, ranks_.rank(), tile), x_.dtype());
    }

    void returned(int tile, const std::vector<Tensor>& parts) override {
        for (int rank = 0; rank < ranks_.size(); ++rank) {
            Tensor place = at_home(results_, rank, tile);
            if (place.elements() > 0) kernels::copy_into(context_, parts[static_cast<size_t>(rank)], place);
        }
    }

    Shape resident_part(Shape whole) const {
        whole.set(home_, rows_.resident(ranks_.rank()).size());
        return whole;
    }

    /// Of tokens or results that live here, what `rank` computes in a tile.
    Tensor at_home(const Tensor& resident, int rank, int tile) const {
        const Range rows = rows_.needed(rank, tile), batch = rows_.of_tile(rank, tile);
        const Tensor part = resident.slice(away_, rows.begin, rows.end);
        return cuts_needed_axis(change_) ? part : part.slice(change_.tile_axis, batch.begin, batch.end);
    }

    /// Of tokens or results, what `rank` computes in a tile.
    Shape whole_of(Shape shape, int rank, int tile) const {
        shape.set(away_, rows_.needed(rank, tile).size());
        shape.set(change_.tile_axis, rows_.of_tile(rank, tile).size());
        return shape;
    }

    /// The part of it that lives on rank `home`.
    Shape shape_of(const Shape& whole, int home, int rank, int tile) const {
        Shape shape = whole_of(whole, rank, tile);
        shape.set(home_, rows_.resident(home).size());
        return shape;
    }

    const Context& context_;
    Communicator& ranks_;
    const Tensor& x_;
    const SwitchedTokens& change_;
    const ComputeTile& compute_;
    int home_;
    int away_;
    Rows rows_;
    Tensor tokens_;    // of the tile that comes next, where it is computed
    Tensor computed_;  // of the tile that was computed last
    Tensor results_;   // those that live here
};

}  // namespace

int tiles_of(const SwitchedTokens& change, int64_t element_bytes, int ranks, int64_t least_bytes) {
    if (!moves(change, ranks)) return 1;
    const int64_t rows = cuts_needed_axis(change) ? partition(change.tokens[change.tile_axis], 0, ranks).size()
                                                  : change.tokens[change.tile_axis];
    const int64_t bytes = change.results.elements() * element_bytes / ranks;
    const int64_t most = std::min<int64_t>(rows, kMostTiles);
    return static_cast<int>(
        std::clamp<int64_t>(bytes / std::max<int64_t>(least_bytes, 1), 1, std::max<int64_t>(most, 1)));
}

Tensor tiled_switch(const Context& context, Communicator& communicator, const Tensor& x, const SwitchedTokens& change,
                    const ComputeTile& compute) {
    const int ranks = communicator.size();
    check(change.resident.split == Split::None || change.tile_axis != axis_of(change.resident.split), ErrorCode::Bug,
          "tiled_switch: tiles along axis {}, which ranks share out", change.tile_axis);
    const int tiles = tiles_of(change, size_of(x.dtype()), ranks, communicator.least_tile_bytes());
    if (tiles > 1) return TiledSwitch(context, communicator, x, change, tiles, compute)();
    const Tensor seen = reshard(context, communicator, x, change.tokens, change.resident, change.needed);
    const Tensor results = compute(seen, Rows{change, ranks, 1}.of_tile(communicator.rank(), 0));
    if (results.dtype() != x.dtype()) check_results(results, results.shape(), x.dtype());  // reshard knows the shape
    return reshard(context, communicator, results, change.results, change.needed, change.resident);
}

}  // namespace kine::parallel
