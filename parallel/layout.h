// Which axis of a token tensor [B, T, S, C] is split between ranks, if any.
#pragma once

#include <cstdint>

namespace kine::parallel {

enum class Axis : int { Batch = 0, Frames = 1, Patches = 2 };
enum class Split { None, Batch, Frames, Patches };

/// A layout names the axis each rank holds a part of. Uneven sizes are cut by partition(), so nothing is ever padded.
struct Layout {
    Split split = Split::None;
    bool operator==(const Layout&) const = default;
};

/// The axis number of a split in [B, T, S, C]; -1 for None.
constexpr int axis_of(Split split) { return static_cast<int>(split) - 1; }

}  // namespace kine::parallel
