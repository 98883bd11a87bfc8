// The loops between the modules of a block with AVX-512.
#pragma once

#include "runtime/tensor/dtype.h"

#include <cstdint>

namespace kine::kernels {

/// out = x + y, or x + gate * y, all of `count`; out may be x.
void add_wide(const float* x, const float* y, int64_t count, float* out);
void add_wide(const BFloat16* x, const BFloat16* y, int64_t count, BFloat16* out);
void add_gated_wide(const float* x, const float* gate, const float* y, int64_t count, float* out);
void add_gated_wide(const BFloat16* x, const float* gate, const BFloat16* y, int64_t count, BFloat16* out);

}  // namespace kine::kernels
