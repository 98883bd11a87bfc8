// DeepSpeed-Ulysses (Jacobs et al., arXiv 2309.14509) around the attention that mixes along the split axis: queries,
// keys and values change from tokens to heads, the result changes back. Four parts travel where DSP moves two, but it
// needs no second token axis. Heads need not divide by the ranks: partition() deals them out as it deals out tokens. A
// rank's heads come and go some at a time, while others attend.
#pragma once

#include "parallel/strategies/strategies.h"

namespace kine::parallel {

inline constexpr Strategy kUlyssesFrames{
    .name = "ulysses_frames",
    .summary = "tokens live split by frames; temporal attention splits its heads instead",
    .resident = {Split::Frames},
    .spatial = {Split::Frames},
    .temporal = {Split::Heads},
    .joint = {Split::Heads},
};

inline constexpr Strategy kUlyssesPatches{
    .name = "ulysses_patches",
    .summary = "tokens live split by patches; spatial attention splits its heads instead",
    .resident = {Split::Patches},
    .spatial = {Split::Heads},
    .temporal = {Split::Patches},
    .joint = {Split::Heads},
};

}  // namespace kine::parallel
