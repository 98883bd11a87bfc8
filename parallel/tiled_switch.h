// Tokens that change their split axis, are computed and change back, tile by tile: while one is computed, the next one
// comes and the last one's results go home (tile_pipeline.h has the picture). What DSP (Zhao et al., arXiv 2403.10266)
// and Ulysses (Jacobs et al., arXiv 2309.14509) do with two bare all-to-alls around an attention. Bytes are those of
// reshard, compute, reshard, whatever the number of tiles, and so are the bits where what is computed of a row does not
// depend on how many there are (on a GPU, products may choose by that).
//
// Where a rank has M bytes of tokens, n tiles hold beside the one that is computed M / n sent and M / n received of the
// tile that comes, and the same of the results that go, which are copied to their places among M bytes when they have
// come.
#pragma once

#include "parallel/communicator.h"
#include "parallel/layout.h"
#include "parallel/partition.h"

#include <functional>

namespace kine::parallel {

/// Tokens that live in one layout and are computed in another. `tokens` and `results` are whole shapes, [B, T, S, ..]
/// or [B, T, S, .., H, D], which need not have the same number of axes.
struct SwitchedTokens {
    Shape tokens;
    Shape results;
    Layout resident;
    Layout needed;
    /// Along which rows do not depend on one another: `needed`'s, of which each rank's own part is cut, or one that
    /// neither layout splits. Counted from the end where axis_of() does so.
    int tile_axis = 0;
};

/// Into how many tiles: the same on all ranks, as it knows only what all know. One (bare all-to-alls) where layouts are
/// the same or there is one rank; else as many as leave each tile `least_bytes` of results on a rank, in the mean.
int tiles_of(const SwitchedTokens& change, int64_t element_bytes, int ranks, int64_t least_bytes = kLeastTileBytes);

/// A tile in layout `needed` -> its results there, of the same dtype. `rows` are those of the tile along its axis, of
/// the whole. A rank without rows is asked too.
using ComputeTile = std::function<Tensor(const Tensor& tokens, Range rows)>;

/// x: this rank's part of the tokens, in layout `resident` -> its part of the results. ErrorCode::Bug if x has another
/// shape, or the results, if these are of another dtype, or if tiles are cut along `resident`'s axis.
Tensor tiled_switch(const Context& context, Communicator& communicator, const Tensor& x, const SwitchedTokens& change,
                    const ComputeTile& compute);

}  // namespace kine::parallel
