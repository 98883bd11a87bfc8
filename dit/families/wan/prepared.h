// What the prompt, the size and the schedule decide for a whole run, and what of it one step on one rank needs.
#pragma once

#include "dit/families/wan/transformer.h"
#include "dit/modules/rotary_grid.h"

namespace kine::dit::wan {

/// What prompt and timesteps become under one expert.
struct ExpertPrepared {
    size_t expert = 0;
    std::vector<Tensor> text;    ///< of each block: keys and values [B, L, 2C]
    std::vector<TimeRows> time;  ///< of each of its steps: the timestep, then 0 where the first frame is given
};

struct WanPrepared final : Prepared {
    Tensor states;  ///< [B, L, D]
    std::vector<double> timesteps;
    Tensor turns;      ///< [T, S, D]
    Tensor condition;  ///< [C, 1, Y, X], empty without an image
    /// Of the expert that is at work: made at its first step, since its weights may not be in memory before.
    mutable std::optional<ExpertPrepared> under_expert;
};

Moment moment_of(const StepContext& step, const WanPrepared& prepared, const TimeRows& time);

/// A copy of latents [B, C, T, Y, X] whose first frame is `first` [C, 1, Y, X] in every branch.
Tensor with_first_frame(const Context& context, const Tensor& latents, const Tensor& first);

}  // namespace kine::dit::wan
