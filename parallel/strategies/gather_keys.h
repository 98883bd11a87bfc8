// Keys and values gathered around the attention that mixes along the split axis, as long-context training of Llama 3
// does it: queries never move, nothing is merged, and a query's result has the bits that one rank gives it. Each rank
// sends its part to all others, so the volume does not shrink with their number as that of DSP and Ulysses does.
#pragma once

#include "parallel/strategies/strategies.h"

namespace kine::parallel {

inline constexpr Strategy kGatherKeysFrames{
    .name = "gather_keys_frames",
    .summary = "tokens live split by frames; temporal attention gathers keys and values",
    .resident = {Split::Frames},
    .spatial = {Split::Frames},
    .temporal = {Split::Frames},
    .joint = {Split::Frames},
    .keys = Keys::Gathered,
};

inline constexpr Strategy kGatherKeysPatches{
    .name = "gather_keys_patches",
    .summary = "tokens live split by patches; spatial attention gathers keys and values",
    .resident = {Split::Patches},
    .spatial = {Split::Patches},
    .temporal = {Split::Patches},
    .joint = {Split::Patches},
    .keys = Keys::Gathered,
};

}  // namespace kine::parallel
