// Models in several files: an index names the shard of each tensor. The index comes from strangers, so a shard is a
// plain file of the model's own folder, or a link into the blobs of the Hugging Face cache that holds the folder.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace kine {

/// Tensor name to shard file name, from NAME.safetensors.index.json. Throws ErrorCode::BadInput.
std::map<std::string, std::string> read_shard_index(const std::filesystem::path& index);

/// directory / name, once it is sure that this leads nowhere else. `where` is the index, for messages.
std::filesystem::path shard_path(const std::filesystem::path& directory, const std::string& name,
                                 const std::filesystem::path& where);

}  // namespace kine
