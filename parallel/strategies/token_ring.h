// TokenRing (Wang et al., arXiv 2412.20501) around the attention that mixes along the split axis: keys and values stay,
// queries go round, and what they found at each rank returns straight to where they live, while the next ones come.
#pragma once

#include "parallel/strategies/strategies.h"

namespace kine::parallel {

inline constexpr Strategy kTokenRingFrames{
    .name = "token_ring_frames",
    .summary = "tokens live split by frames; queries of temporal attention go round, results return",
    .resident = {Split::Frames},
    .spatial = {Split::Frames},
    .temporal = {Split::Frames},
    .joint = {Split::Frames},
    .keys = Keys::Resident,
};

inline constexpr Strategy kTokenRingPatches{
    .name = "token_ring_patches",
    .summary = "tokens live split by patches; queries of spatial attention go round, results return",
    .resident = {Split::Patches},
    .spatial = {Split::Patches},
    .temporal = {Split::Patches},
    .joint = {Split::Patches},
    .keys = Keys::Resident,
};

}  // namespace kine::parallel
