// attention.h on a GPU, from tensors to launches.
#pragma once

#include "kernels/attention/variants.h"

namespace kine::kernels {

/// Of GPUs, fastest first. The first row that can run a problem runs it; tests walk all rows.
std::span<const AttentionVariant> device_attention_variants();

}  // namespace kine::kernels
