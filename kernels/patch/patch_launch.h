// What moving between latents and tokens is asked on a GPU. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"

namespace kine::kernels::cuda {

/// Latents [batch, channels, frames, height, width], contiguous, and their patches.
struct PatchGeometry {
    int64_t batch = 0;
    int64_t channels = 0;
    int64_t frames = 0;
    int64_t height = 0;
    int64_t width = 0;
    int64_t patch = 1;

    constexpr int64_t rows() const { return height / patch; }  ///< of patches
    constexpr int64_t columns() const { return width / patch; }
    constexpr int64_t vector() const { return patch * patch * channels; }
    constexpr int64_t token_values() const { return batch * frames * rows() * columns() * vector(); }
    constexpr int64_t latent_values() const { return batch * channels * frames * height * width; }
};

/// Latents -> tokens [batch, frames, rows x columns, vector], the vector as (channel, y, x), x fastest. Rows and
/// columns beyond a multiple of the patch are dropped.
template <class T>
struct PatchArguments {
    const float* latents = nullptr;
    T* tokens = nullptr;
    PatchGeometry geometry;
};

/// Tokens with vectors (y, x, channel), channel fastest, -> latents; the height and width are multiples of the patch.
/// `guidance` blends two batches of tokens, the unconditional one first, into one batch of latents, and `sample`
/// becomes keep * sample + move * latents in the same pass: the end of a step. No op asks for these two yet: samplers
/// differ in their last lines, and passes of their own over latents, a few megabytes, are little beside a forward pass.
template <class T>
struct UnpatchArguments {
    const T* tokens = nullptr;
    const float* sample =
        nullptr;  ///< of the latents' shape, may be `latents` itself; null: latents are all that is asked
    float* latents = nullptr;
    PatchGeometry geometry;  ///< of the latents
    bool is_guided = false;  ///< there are 2 x batch tokens
    float guidance = 1.0f;
    float keep = 0.0f;
    float move = 1.0f;
};

inline constexpr int kPatchThreads = 256;

/// One value that is written a thread, neighbours side by side.
constexpr Launch patch_launch(int64_t values) { return {divide_up(values, kPatchThreads), 1, kPatchThreads, 0}; }

}  // namespace kine::kernels::cuda
