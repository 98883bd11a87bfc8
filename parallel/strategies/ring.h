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
    .keys = Keys::Travelling,
};

inline constexpr Strategy kRingPatches{
    .name = "ring_patches",
    .summary = "tokens live split by patches; keys and values of spatial attention go round",
    .resident = {Split::Patches},
    .spatial = {Split::Patches},
    .temporal = {Split::Patches},
    .keys = Keys::Travelling,
};

}  // namespace kine::parallel
