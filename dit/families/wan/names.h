// The names of the original repository's files (and of single files made from them) as the diffusers names that we
// bind.
#pragma once

#include "dit/families/dialect.h"

#include <optional>
#include <string>

namespace kine::dit::wan {

/// A transformer's stored name as ours; names that are ours already come back as they are.
std::optional<std::string> transformer_name(const std::string& stored);
/// The same of the text encoder.
std::optional<std::string> text_encoder_name(const std::string& stored);
/// The same of the VAE. `level_size` is the number of entries that each level but the last has in the flat list of
/// 2.1's decoder; 2.2's lists are nested, so that it does not matter there.
std::optional<std::string> vae_name(const std::string& stored, int64_t level_size);

extern const Dialect kOriginal;

}  // namespace kine::dit::wan
