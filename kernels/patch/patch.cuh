// Latents to tokens and back. Bound by bytes, and those are few: a step reads and writes its latents once.
#pragma once

#include "kernels/cuda/vec.cuh"
#include "kernels/patch/patch_launch.h"

namespace kine::kernels::cuda {

/// The last digit of `number` to the base `size`, which is taken off.
__device__ inline int64_t take_digit(int64_t& number, int64_t size) {
    const int64_t digit = number % size;
    number /= size;
    return digit;
}

/// The number of the value that this thread writes.
__device__ inline int64_t own_value() { return block_x() * kPatchThreads + thread_in_block(); }

template <class T>
__device__ void patchify_block(const PatchArguments<T>& work) {
    const PatchGeometry& of = work.geometry;
    const int64_t own = own_value();
    if (own >= of.token_values()) return;
    int64_t left = own;
    const int64_t x_in = take_digit(left, of.patch), y_in = take_digit(left, of.patch);
    const int64_t channel = take_digit(left, of.channels);
    const int64_t column = take_digit(left, of.columns()), row = take_digit(left, of.rows());
    const int64_t frame = take_digit(left, of.frames), batch = left;
    const int64_t y = row * of.patch + y_in, x = column * of.patch + x_in;
    const int64_t from = (((batch * of.channels + channel) * of.frames + frame) * of.height + y) * of.width + x;
    narrow(work.latents[from], work.tokens[own]);
}

template <class T>
__device__ void unpatchify_block(const UnpatchArguments<T>& work) {
    const PatchGeometry& of = work.geometry;
    const int64_t own = own_value();
    if (own >= of.latent_values()) return;
    int64_t left = own;
    const int64_t x = take_digit(left, of.width), y = take_digit(left, of.height);
    const int64_t frame = take_digit(left, of.frames), channel = take_digit(left, of.channels), batch = left;
    const int64_t token = ((batch * of.frames + frame) * of.rows() + y / of.patch) * of.columns() + x / of.patch;
    const int64_t at = (y % of.patch * of.patch + x % of.patch) * of.channels + channel;
    float value = widen(work.tokens[token * of.vector() + at]);
    if (work.is_guided) {
        const float conditional = widen(work.tokens[of.token_values() + token * of.vector() + at]);
        value += work.guidance * (conditional - value);
    }
    work.latents[own] = work.sample ? work.keep * work.sample[own] + work.move * value : value;
}

}  // namespace kine::kernels::cuda
