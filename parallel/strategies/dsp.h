// Dynamic Sequence Parallelism (Zhao et al., arXiv 2403.10266), tightly around the attention that mixes along the split
// axis: two all-to-alls there, none anywhere else. Both homes are worth having: temporal attention is the one that PAB
// skips more often, so living split by frames sends less; living split by patches shares out evenly whatever the number
// of frames, since there are many more patches. Guidance branches switch in turn, so that one travels while the other
// is attended to.
#pragma once

#include "parallel/strategies/strategies.h"

namespace kine::parallel {

inline constexpr Strategy kDspFrames{
    .name = "dsp_frames",
    .summary = "tokens live split by frames and switch to patches around temporal attention",
    .resident = {Split::Frames},
    .spatial = {Split::Frames},
    .temporal = {Split::Patches},
    .joint = {Split::Heads},
};

inline constexpr Strategy kDspPatches{
    .name = "dsp_patches",
    .summary = "tokens live split by patches and switch to frames around spatial attention",
    .resident = {Split::Patches},
    .spatial = {Split::Frames},
    .temporal = {Split::Patches},
    .joint = {Split::Heads},
};

}  // namespace kine::parallel
