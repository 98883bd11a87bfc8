// The sweeps of group norm with AVX-512.
#pragma once

#include "kernels/linear/linear.h"

namespace kine::kernels {

/// Per channel of x [positions, channels]: mean to result[0, C), squared deviation to result[C, 2C).
void block_moments_wide(const float* x, int64_t positions, int64_t channels, float* result);
void block_moments_wide(const BFloat16* x, int64_t positions, int64_t channels, float* result);

/// out = activation(x * factor + offset); `folded` has the factors [C], then the offsets [C].
void write_block_wide(const float* x, int64_t positions, int64_t channels, const float* folded, Activation activation,
                      float* out);
void write_block_wide(const BFloat16* x, int64_t positions, int64_t channels, const float* folded,
                      Activation activation, BFloat16* out);

}  // namespace kine::kernels
