// Sizes of CogVideoX's parts as their tensors show them: what a model of no published size is configured by where no
// configuration lies beside it.
#pragma once

#include "runtime/io/json_fwd.h"
#include "runtime/weights.h"

namespace kine::dit::cogvideox {

/// `config`, a published one, with the sizes of tensors that have our names.
Json transformer_sizes(const Weights& ours, Json config);
Json vae_sizes(const Weights& ours, Json config);

}  // namespace kine::dit::cogvideox
