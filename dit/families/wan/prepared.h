// What the prompt, the size and the schedule decide for a whole run, and what of it one step on one rank needs.
#pragma once

#include "dit/families/wan/transformer.h"
#include "dit/modules/rotary_grid.h"

namespace kine::dit::wan {

struct WanPrepared final : Prepared {
    int64_t branches = 1;
    std::vector<std::vector<Tensor>> text;  ///< of each expert and block: keys and values [B, L, 2C]
    std::vector<size_t> expert;             ///< of each step
    std::vector<TimeRows> time;             ///< of each step: its timestep, then 0 where the first frame is given
    Tensor turns;                           ///< [T, S, D]
    Tensor condition;                       ///< [C, 1, Y, X], empty without an image
};

Moment moment_of(const StepContext& step, const WanPrepared& prepared);

/// A copy of latents [B, C, T, Y, X] whose first frame is `first` [C, 1, Y, X] in every branch.
Tensor with_first_frame(const Context& context, const Tensor& latents, const Tensor& first);

}  // namespace kine::dit::wan
