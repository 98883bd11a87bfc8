// RingAttention (Liu et al., arXiv 2310.01889) around the attention that mixes along the split axis: queries stay, keys
// and values go round, results are merged by their log sums. A part of the keys is all that a rank ever holds beside
// its own.
#pragma once

#include "parallel/strategies/strategies.h"

namespace kine::parallel {

inline constexpr Strategy kRingFrames{
    .name = "ring_frames",
    .summary = "tokens live split by frames; keys and values of temporal attention go round",
    .resident = {Split::Frames},
    .spatial = {Split::Frames},
    .temporal = {Split::Frames},
    .joint = {Split::Frames},
    .keys = Keys::Ring,
};

inline constexpr Strategy kRingPatches{
    .name = "ring_patches",
    .summary = "tokens live split by patches; keys and values of spatial attention go round",
    .resident = {Split::Patches},
    .spatial = {Split::Patches},
    .temporal = {Split::Patches},
    .joint = {Split::Patches},
    .keys = Keys::Ring,
};

// The same with both directions of the links in use: each part goes half of the way to the left and half to the right
// (no query has to travel, as in TokenRing, and links need only join neighbours).

inline constexpr Strategy kBothWaysRingFrames{
    .name = "both_ways_ring_frames",
    .summary = "as ring_frames, half of the way in each direction",
    .resident = {Split::Frames},
    .spatial = {Split::Frames},
    .temporal = {Split::Frames},
    .joint = {Split::Frames},
    .keys = Keys::BothWays,
};

inline constexpr Strategy kBothWaysRingPatches{
    .name = "both_ways_ring_patches",
    .summary = "as ring_patches, half of the way in each direction",
    .resident = {Split::Patches},
    .spatial = {Split::Patches},
    .temporal = {Split::Patches},
    .joint = {Split::Patches},
    .keys = Keys::BothWays,
};

// Rings of neighbours, and a ring of those (LoongTrain, Gu et al., arXiv 2406.18485): while a group passes round the
// parts that it has, those of the next group are on their way over the slower links.

inline constexpr Strategy kDoubleRingFrames{
    .name = "double_ring_frames",
    .summary = "as ring_frames, round each group first, then between groups",
    .resident = {Split::Frames},
    .spatial = {Split::Frames},
    .temporal = {Split::Frames},
    .joint = {Split::Frames},
    .keys = Keys::DoubleRing,
    .is_grouped = true,
};

inline constexpr Strategy kDoubleRingPatches{
    .name = "double_ring_patches",
    .summary = "as ring_patches, round each group first, then between groups",
    .resident = {Split::Patches},
    .spatial = {Split::Patches},
    .temporal = {Split::Patches},
    .joint = {Split::Patches},
    .keys = Keys::DoubleRing,
    .is_grouped = true,
};

}  // namespace kine::parallel
