// Where a model's parts lie, whoever laid them out: a diffusers directory, an original repository, ComfyUI's single
// files, or configurations without any weights. Families ask for parts by their diffusers names.
#pragma once

#include "runtime/io/json.h"
#include "runtime/weights.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace kine::dit {

/// A part of another layout. What it does not say is as diffusers has it.
struct PartSource {
    Json config;                                 ///< in place of ROOT/NAME/config.json
    std::vector<std::filesystem::path> weights;  ///< in place of ROOT/NAME/*.safetensors
    std::filesystem::path folder;                ///< in place of ROOT/NAME
    std::string spiece_model;                    ///< of a tokenizer: its SentencePiece file, in place of a folder
};

struct ModelSource {
    std::string label;           ///< what messages call it
    std::filesystem::path root;  ///< empty: nothing lies in files
    std::string dialect = "diffusers";
    Json known_index;                         ///< in place of ROOT/model_index.json
    std::map<std::string, PartSource> parts;  ///< those that differ from diffusers
    Json defaults;                            ///< over those of the family, see with_overrides; null: none
    std::vector<std::string> missing;         ///< parts that are not there; only plans do without

    /// An object with the text _class_name.
    Json index() const;
    std::string index_file() const;
    /// The folder of a part; BadInput if it is missing.
    std::filesystem::path folder(const std::string& part) const;
    /// Whether a folder or another place for the part exists.
    bool has(const std::string& part) const;
    std::string config_file(const std::string& part, const std::string& file) const;
    /// Always an object.
    Json config(const std::string& part, const std::string& file) const;
    /// The files of the parts that the index names, sorted; an upper bound of what is bound.
    std::vector<std::filesystem::path> weight_files() const;
    std::vector<std::filesystem::path> weight_files(const std::string& part) const;
    /// With the names that the files have; Components makes them ours.
    Weights open(const std::string& part) const;
};

/// A directory with a model_index.json.
ModelSource diffusers_source(const std::filesystem::path& directory);

/// A digest of the weight files' names, sizes, headers and edges: tells checkpoints apart without reading them whole.
std::string hash_of(const ModelSource& source);

}  // namespace kine::dit
