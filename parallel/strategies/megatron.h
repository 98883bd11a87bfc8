// Megatron's sequence parallelism (Korthikanti et al., arXiv 2205.05198) around the attention that mixes along the
// split axis: all tokens come to every rank, which has the weights of some heads, and the ranks' sums go back to where
// tokens live. What is token by token stays where it is, with whole weights: sharing those out too would move four
// times as much. Tokens come and sums go tile by tile, while the tile between is computed; attention over all tokens
// must have them all before it begins, so there they come and go at once.
#pragma once

#include "parallel/strategies/strategies.h"

namespace kine::parallel {

inline constexpr Strategy kMegatronFrames{
    .name = "megatron_frames",
    .summary = "tokens live split by frames; temporal attention gathers tokens, splits weights, scatters sums",
    .resident = {Split::Frames},
    .spatial = {Split::Frames},
    .temporal = {Split::Frames},
    .joint = {Split::Frames},
    .splits_weights = true,
};

inline constexpr Strategy kMegatronPatches{
    .name = "megatron_patches",
    .summary = "tokens live split by patches; spatial attention gathers tokens, splits weights, scatters sums",
    .resident = {Split::Patches},
    .spatial = {Split::Patches},
    .temporal = {Split::Patches},
    .joint = {Split::Patches},
    .splits_weights = true,
};

}  // namespace kine::parallel
