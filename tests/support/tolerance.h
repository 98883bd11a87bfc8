// How far an op may stray from its double-precision twin. One table for all ops.
#pragma once

#include "runtime/tensor/dtype.h"

#include <cmath>
#include <cstdint>

namespace kine {

/// |got - want| <= absolute + relative * |want|.
struct Tolerance {
    double relative = 0.0;
    double absolute = 0.0;

    bool accepts(double got, double want) const { return std::abs(got - want) <= absolute + relative * std::abs(want); }
};

/// One rounding to bf16 is 2^-9 relative; f32 results carry a few roundings of 2^-24 and those of an 8-lane exp.
inline constexpr Tolerance kElementwiseFloat32 = {4e-7, 1e-7};
inline constexpr Tolerance kElementwiseBFloat16 = {4e-3, 1e-6};

/// A sum of `terms` products of about unit size. Partial sums grow like sqrt(terms), so the roundings of a chain add up
/// to about 0.2 * terms of 2^-24; ten of those are allowed, since a test looks at thousands of sums.
inline Tolerance sum_tolerance(DType dtype, int64_t terms) {
    const double rounding = 1e-6 + 2 * 0x1.0p-24 * static_cast<double>(terms);
    return dtype == DType::BFloat16 ? Tolerance{4e-3, rounding} : Tolerance{1e-6, rounding};
}

inline Tolerance elementwise_tolerance(DType dtype) {
    return dtype == DType::BFloat16 ? kElementwiseBFloat16 : kElementwiseFloat32;
}

}  // namespace kine
