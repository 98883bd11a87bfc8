// Rows of values as eight-bit whole numbers and one scale each, symmetric: q = round(x / scale) with scale = max|x| /
// 127, which the exact sums of products are multiplied by at their end. Weights are quantised so by output channel,
// activations by token, so that an outlier costs its own row alone.
#pragma once

#include "kernels/linear/rows.h"

#include <bit>
#include <limits>

namespace kine::kernels {

/// `values` [rows, stride], `scales` [rows].
struct QuantizedRows {
    int8_t* values;
    int64_t stride;
    float* scales;
};

/// Quantises rows `which`, the first to row 0, with zeros from `depth` on. A row that is not finite gets the scale NaN,
/// so that what is made of it shows.
void quantize_rows(const Rows& rows, Range which, int64_t depth, const QuantizedRows& to);

/// The largest |x| as the bits of a float: as whole numbers they are in order, with infinity and NaN above all others.
uint32_t largest_bits(const float* values, int64_t count);
uint32_t largest_bits(const BFloat16* values, int64_t count);
/// to[i] = round(values[i] * inverse), to even.
void quantize(const float* values, int64_t count, float inverse, int8_t* to);
void quantize(const BFloat16* values, int64_t count, float inverse, int8_t* to);

/// The same with AVX-512.
uint32_t largest_bits_wide(const float* values, int64_t count);
uint32_t largest_bits_wide(const BFloat16* values, int64_t count);
void quantize_wide(const float* values, int64_t count, float inverse, int8_t* to);
void quantize_wide(const BFloat16* values, int64_t count, float inverse, int8_t* to);

}  // namespace kine::kernels
