// The names of the original repository's files (and of single files made from them) as the diffusers names that we
// bind.
#pragma once

#include <optional>
#include <string>

namespace kine::dit::wan {

/// A transformer's stored name as ours; names that are ours already come back as they are.
std::optional<std::string> transformer_name(const std::string& stored);

}  // namespace kine::dit::wan
