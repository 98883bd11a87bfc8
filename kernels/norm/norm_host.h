// The loops behind norm.h.
#pragma once

#include "kernels/norm/norm.h"

namespace kine::kernels {

/// What follows a normalised row: row * factor + offset, both f32 [G, C], one of them for each of G equal runs of rows.
struct RowAffine {
    Tensor factor;
    Tensor offset;  ///< empty: none
};

Tensor normalise_rows_host(const Context& context, const Tensor& x, const RowAffine& affine, float eps);
void normalise_rows_in_place_host(const Context& context, Tensor& x, const RowAffine& affine, float eps);
Tensor rms_rows_host(const Context& context, const Tensor& x, const Tensor& factor, float eps);
void rms_rows_in_place_host(const Context& context, Tensor& x, const Tensor& factor, float eps);
void rms_rows_in_place_host(const Context& context, Tensor& x, const Tensor& factor, float eps, const WholeRows& whole);
Tensor sums_of_squares_host(const Context& context, const Tensor& x);

struct GroupNormArguments {
    Tensor weight;  ///< f32 [1, C]
    Tensor bias;    ///< f32 [1, C]
    int64_t groups = 1;
    float eps = 0.0f;
    Activation activation = Activation::None;
};
Tensor group_norm_host(const Context& context, const Tensor& x, const GroupNormArguments& arguments);

}  // namespace kine::kernels
