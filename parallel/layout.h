// Which axis of a token tensor is split between ranks, if any: tokens are [B, T, S, C], or [B, T, S, ..., H, D] where
// their channels are seen as heads.
#pragma once

namespace kine::parallel {

enum class Split { None, Batch, Frames, Patches, Heads };

/// A layout names the axis each rank holds a part of. Uneven sizes are cut by partition(), so nothing is ever padded.
struct Layout {
    Split split = Split::None;
    bool operator==(const Layout&) const = default;
};

/// The number of the split axis, heads counted from the end; none has none.
constexpr int axis_of(Split split) { return split == Split::Heads ? -2 : static_cast<int>(split) - 1; }

/// Which tokens an attention lets see one another: those of a frame, those of a place, or all.
enum class Attended { Patches, Frames, All };

/// Whether tokens that should see one another lie on several ranks.
constexpr bool is_cut(Layout layout, Attended attended) {
    if (layout.split == Split::Patches) return attended != Attended::Frames;
    return layout.split == Split::Frames && attended != Attended::Patches;
}

}  // namespace kine::parallel
