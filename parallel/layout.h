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

}  // namespace kine::parallel
