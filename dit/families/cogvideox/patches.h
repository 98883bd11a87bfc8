// Latents to tokens and back. A patch is patch_size x patch_size pixels of one frame, or of patch_size_t frames (1.5).
// Files order a patch's values (channel, frame, row, column); ours are reordered once, when the weights are bound.
#pragma once

#include "dit/families/cogvideox/config.h"
#include "dit/modules/linear.h"

namespace kine::dit::cogvideox {

class Patches {
  public:
    /// Binds patch_embed.proj and proj_out under `scope`.
    Patches(const Scope& scope, const Config& config);

    /// Latents [B, C, T, Y, X] -> patches [B, T', S, (frame, channel, row, column)] in our dtype.
    Tensor cut(const Context& context, const Tensor& latents) const;
    Tensor embed(const Context& context, const Tensor& patches) const { return in_(context, patches); }
    /// Tokens -> [B, T', S, (frame, row, column, channel)].
    Tensor project(const Context& context, const Tensor& tokens) const { return out_(context, tokens); }
    /// Such patches, of `rows` rows -> latents [B, C, T, Y, X] f32.
    Tensor join(const Context& context, const Tensor& patches, int64_t rows) const;

  private:
    int64_t size_;
    int64_t frames_;
    DType dtype_;
    Linear in_;
    Linear out_;
};

}  // namespace kine::dit::cogvideox
