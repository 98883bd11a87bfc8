// Where tokens are: added sine tables (2b), rotary turns stretched to the grid of training (5b) or counted (1.5), and a
// learned table beside the turns (5b, image to video).
#pragma once

#include "dit/families/cogvideox/config.h"
#include "runtime/tensor/tensor.h"
#include "runtime/weights.h"

namespace kine::dit::cogvideox {

/// What is empty is not there.
struct Positions {
    Tensor text;   ///< [L, D], added to the text, of the scope's dtype
    Tensor video;  ///< [T, S, D], added to the video, likewise
    Tensor turns;  ///< [T, S, head] f32, of the video's queries and keys
};

class PositionTables {
  public:
    /// Binds patch_embed.pos_embedding under `scope` where the configuration says so.
    PositionTables(const Scope& scope, const Config& config);

    /// For latents [C, T, Y, X].
    Positions operator()(const Context& context, const Shape& latents) const;

  private:
    bool has_learned(const Shape& latents) const;
    Tensor turns(const Context& context, const Shape& latents) const;

    Config config_;
    DType dtype_;
    Tensor learned_;  // [L + T S, D]
};

}  // namespace kine::dit::cogvideox
