// The table of strategies. A strategy is a row of layouts: where tokens live, and what each kind of attention needs.
#pragma once

#include "parallel/layout.h"

#include <span>
#include <string_view>

namespace kine::parallel {

/// Where queries find keys and values: in their own layout, which has the attended axis whole; gathered from all ranks;
/// passing by, a rank's part at a time, one way round, both ways, or in rings of groups; or where those live, so that
/// queries go round and their results return.
enum class Keys { WithQueries, Gathered, Ring, BothWays, DoubleRing, Resident };

struct Strategy {
    std::string_view name;
    std::string_view summary;
    Layout resident;  ///< between modules
    Layout spatial;   ///< while attention mixes the patches of a frame
    Layout temporal;  ///< while attention mixes the frames of a patch
    Layout joint;     ///< while attention mixes all tokens
    Keys keys = Keys::WithQueries;
    /// Ranks form groups of neighbours: heads are switched within one and keys pass between them (USP), or keys go
    /// round in one before they pass on to the next (double ring).
    bool is_grouped = false;
    /// Attention whose axis is cut gets everybody's tokens and a part of the weights, those of some heads; what all
    /// parts give is summed where tokens live (Megatron).
    bool splits_weights = false;

    constexpr Layout queries_of(Attended attended) const {
        if (attended == Attended::All) return joint;
        return attended == Attended::Frames ? temporal : spatial;
    }
    /// Whether an attention's results are sums over ranks, each with some of the weights.
    constexpr bool sums(Attended attended) const { return splits_weights && is_cut(resident, attended); }
    /// Whether an attention's results are merged of parts, each of some of the keys.
    constexpr bool merges(Attended attended) const {
        if (keys == Keys::WithQueries || keys == Keys::Gathered) return false;
        const Layout queries = queries_of(attended);
        return is_cut(queries, attended) || queries.split == Split::Heads;
    }
    /// Whether results have the bits of one rank: values are moved, never merged or summed.
    constexpr bool is_exact() const { return (keys == Keys::WithQueries || keys == Keys::Gathered) && !splits_weights; }
    /// Whether an attention gathers keys and values beside queries that stay.
    constexpr bool gathers(Attended attended) const {
        return keys == Keys::Gathered && is_cut(queries_of(attended), attended);
    }
};

std::span<const Strategy> strategies();
/// By name or alias ("dsp"); throws ErrorCode::Usage listing the names.
const Strategy& find_strategy(std::string_view name);

}  // namespace kine::parallel
