// Unified sequence parallelism (Fang and Zhao, arXiv 2405.07719): Ulysses within groups of neighbours, which talk most
// and stand close, and a ring between the groups. A group of all ranks is Ulysses, groups of one are a ring.
#pragma once

#include "parallel/strategies/strategies.h"

namespace kine::parallel {

inline constexpr Strategy kUspFrames{
    .name = "usp_frames",
    .summary = "tokens live split by frames; temporal attention splits heads in a group, keys go round the groups",
    .resident = {Split::Frames},
    .spatial = {Split::Frames},
    .temporal = {Split::Heads},
    .joint = {Split::Heads},
    .keys = Keys::Ring,
    .is_grouped = true,
};

inline constexpr Strategy kUspPatches{
    .name = "usp_patches",
    .summary = "tokens live split by patches; spatial attention splits heads in a group, keys go round the groups",
    .resident = {Split::Patches},
    .spatial = {Split::Heads},
    .temporal = {Split::Patches},
    .joint = {Split::Heads},
    .keys = Keys::Ring,
    .is_grouped = true,
};

}  // namespace kine::parallel
