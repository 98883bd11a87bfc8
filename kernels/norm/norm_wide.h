// A row's normalisation with AVX-512.
#pragma once

#include "runtime/tensor/dtype.h"

#include <cstdint>

namespace kine::kernels {

/// out = (x - mean) / sqrt(variance + eps) * factor + offset, all of `width`; `offset` may be null for none, out may be
/// x.
void normalise_row_wide(const float* x, int64_t width, float eps, const float* factor, const float* offset, float* out);
void normalise_row_wide(const BFloat16* x, int64_t width, float eps, const float* factor, const float* offset,
                        BFloat16* out);

}  // namespace kine::kernels
