// The names of the original repository's files as the diffusers names that we bind. There queries, keys and values are
// one tensor, and so are the modulations of both norms of a block.
#pragma once

#include "dit/families/dialect.h"

#include <optional>
#include <string>

namespace kine::dit::cogvideox {

/// A transformer's stored name as ours, once its fused tensors are cut; nothing for tables that we compute.
std::optional<std::string> transformer_name(const std::string& stored);
/// The same of the VAE, whose decoder counts its `levels` from the picture.
std::optional<std::string> vae_name(const std::string& stored, int64_t levels);

extern const Dialect kOriginal;

}  // namespace kine::dit::cogvideox
