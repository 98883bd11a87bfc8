// The table of strategies. A strategy is a row of layouts: where tokens live, and what each kind of attention needs.
#pragma once

#include "parallel/layout.h"

#include <span>
#include <string_view>

namespace kine::parallel {

/// Where attention finds its keys and values: in the layout of its queries, which then has the attended axis whole;
/// gathered from all ranks, for queries that stay where they live; or travelling by, a rank's part at a time.
enum class Keys { WithQueries, Gathered, Travelling };

struct Strategy {
    std::string_view name;
    std::string_view summary;
    Layout resident;  ///< between modules
    Layout spatial;   ///< while attention mixes the patches of a frame
    Layout temporal;  ///< while attention mixes the frames of a patch
    Keys keys = Keys::WithQueries;

    /// Whether results have the bits of one rank: values are moved, never merged.
    bool is_exact() const { return keys != Keys::Travelling; }
    /// Whether keys and values of an attention over `attended` go round while its queries stay.
    bool travels(Layout queries, Split attended) const { return keys == Keys::Travelling && queries.split == attended; }
    /// The layout in which keys and values of an attention over the axis `attended` must be.
    Layout keys_of(Layout queries, Split attended) const {
        return keys == Keys::Gathered && queries.split == attended ? Layout{} : queries;
    }
};

std::span<const Strategy> strategies();
/// By name or alias ("dsp"); throws ErrorCode::Usage listing the names.
const Strategy& find_strategy(std::string_view name);

}  // namespace kine::parallel
