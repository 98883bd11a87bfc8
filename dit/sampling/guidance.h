// Classifier-free guidance (Ho and Salimans 2022, arXiv 2207.12598).
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

namespace kine::dit {

/// prediction [2, ...] with the negative branch first -> negative + scale * (positive - negative), [...] f32.
Tensor classifier_free_guidance(const Context& context, const Tensor& prediction, double scale);

}  // namespace kine::dit
