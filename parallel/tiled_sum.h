// Sums over ranks of what each makes of everybody's tokens, tile by tile: while one is computed, the next one's tokens
// come and the last one's sums go (Megatron's sequence parallelism, Korthikanti et al., arXiv 2205.05198, with the
// overlap of FastAttention, Lin et al., arXiv 2410.16663).
#pragma once

#include "parallel/communicator.h"
#include "parallel/layout.h"
#include "parallel/partition.h"

#include <functional>

namespace kine::parallel {

/// Tokens that ranks share out along one axis, and the axis along which tiles are cut.
struct Tiling {
    Shape whole;        ///< [B, T, S, C]
    Layout resident;    ///< of `whole`
    int tile_axis = 1;  ///< not the split one; rows along it do not depend on one another
};

/// How many tiles an axis of `size` is cut into.
int tiles_of(int64_t size);

/// A rank's part of a tile of whole tokens: [.., tile, ..] -> same shape, to be summed over ranks. `rows` are those of
/// the tile along its axis.
using PartOfSum = std::function<Tensor(const Tensor& tokens, Range rows)>;

/// x: this rank's part of the tokens -> its part of the sum over ranks, in rank order.
Tensor tiled_sum(const Context& context, Communicator& communicator, const Tensor& x, const Tiling& tiling,
                 const PartOfSum& compute);

}  // namespace kine::parallel
