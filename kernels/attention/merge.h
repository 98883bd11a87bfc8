// Attention to some of the keys at a time, and what makes one of two: the state of every ring of ranks. A part is its
// normalised values and, for each query and head, the log of its sum of exponentials; merging is exact, associative
// and commutative up to rounding (online softmax, Milakov and Gimelshein 2018).
#pragma once

#include "kernels/attention/attention.h"

namespace kine::kernels {

/// All f32, whatever the tokens are: parts are never merged in a narrower type.
struct PartialAttention {
    Tensor values;    ///< [B1, B2, Lq, H, D]
    Tensor log_sums;  ///< [B1, B2, Lq, H]; minus infinity where no key was seen
};

/// Of no keys at all: the neutral element.
PartialAttention no_attention(const Context& context, const Shape& queries);
/// Attention of q to these keys alone; without keys, no_attention().
PartialAttention partial_attention(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v);
/// Takes `part` into `sum`; the keys of the two are disjoint.
void merge_into(const Context& context, PartialAttention& sum, const PartialAttention& part);

}  // namespace kine::kernels
