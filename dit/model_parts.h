// Weight files that nobody labelled, told apart by the names of their tensors.
#pragma once

#include "dit/families/family.h"

#include <filesystem>
#include <string>
#include <vector>

namespace kine::dit {

enum class Role { Transformer, TextEncoder, Vae, Other };

/// A file, or the shards that lie in one folder under one name.
struct WeightGroup {
    std::vector<std::filesystem::path> files;
    std::string name;  ///< FOLDER/STEM, for messages
    Role role = Role::Other;
    const Family* family = nullptr;  ///< of a transformer or a VAE
    bool is_umt5 = false;            ///< of a text encoder
    bool is_any_t5 = false;          ///< one of a single block, which may be T5 or UMT5
    std::string foreign;             ///< the model that we lack whose transformer this is
    std::string unreadable;          ///< why what is in the file cannot be told
};

/// By its ending: safetensors, or what PyTorch saves.
bool is_weight_file(const std::filesystem::path& file);
/// Whether `file` is one of the group's.
bool holds(const WeightGroup& group, const std::filesystem::path& file);
/// The group of one file: it, and the shards beside it. BadInput if there is no such file.
WeightGroup weight_group_of(const std::filesystem::path& file);

/// With the names that families bind.
Weights open_group(const WeightGroup& group, const Dialect& dialect, Role role);
/// All under `root`, sorted by name. BadInput for more than anybody has.
std::vector<WeightGroup> weight_groups(const std::filesystem::path& root);

/// What a weight file is, in words: "transformer of wan, original names". Empty for what nobody knows.
std::string describe_weight_file(const std::filesystem::path& file);

/// "a-00001-of-00004" says that there are four: BadInput where some are missing.
void check_shards(const WeightGroup& group);

}  // namespace kine::dit
