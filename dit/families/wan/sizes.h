// Sizes of Wan's parts as their tensors show them, and the configuration file of the original repository: what a model
// of no published size is configured by where no diffusers configuration lies beside it.
#pragma once

#include "runtime/io/json_fwd.h"
#include "runtime/weights.h"

namespace kine::dit::wan {

/// `config`, a published one, with the sizes of tensors that have our names.
Json transformer_sizes(const Weights& ours, Json config);
Json vae_sizes(const Weights& ours, Json config);
/// The keys of the original repository's config.json under our names; null for a file of another kind.
Json config_of(const Json& theirs);

}  // namespace kine::dit::wan
