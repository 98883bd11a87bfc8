// Work that is cut into tiles, each of which needs something of the other ranks and has something for them: while one
// is computed, what the next one needs comes and what the last one gave goes, in one exchange, since a communicator has
// one call on its way at a time. Four tiles:
//
//   travels   in 0  |  in 1  | in 2, out 0 | in 3, out 1 | out 2  |  out 3
//   computed        | tile 0 |   tile 1    |   tile 2    | tile 3 |
//
// Only the first way in and the last way out have nothing to hide behind. Beside the tile that is computed, the parts
// of two others are held, those that go and those that come.
#pragma once

#include "parallel/communicator.h"

namespace kine::parallel {

/// More tiles hide more of what travels, and each costs a round of messages: of four, a quarter stays bare.
inline constexpr int kMostTiles = 4;

/// One way of one tile.
struct TileParts {
    std::vector<Tensor> sent;    ///< by this rank to each, contiguous; what it has for itself is handed over
    std::vector<Shape> awaited;  ///< of each rank's part for this one
};

/// What is particular to some work. Called in the order of the picture; the same on every rank.
class TiledWork {
  public:
    virtual ~TiledWork() = default;

    virtual TileParts way_in(int tile) = 0;
    virtual TileParts way_out(int tile) = 0;                                ///< of what was computed last
    virtual void arrived(int tile, const std::vector<Tensor>& parts) = 0;   ///< from each rank: what compute() needs
    virtual void compute(int tile) = 0;                                     ///< makes no call on the communicator
    virtual void returned(int tile, const std::vector<Tensor>& parts) = 0;  ///< from each rank: what it computed
};

/// Where compute() throws, the exchange that is on its way is given up; the others are released by abandon(), as ever.
void run_tiles(const Context& context, Communicator& ranks, int tiles, TiledWork& work);

/// How many calls that makes; without tiles it is one there and one back.
constexpr int64_t calls_of_tiles(int tiles) { return tiles == 1 ? 2 : tiles + 2; }

}  // namespace kine::parallel
