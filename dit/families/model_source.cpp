#include "dit/families/model_source.h"

#include "runtime/digest.h"
#include "runtime/error.h"
#include "runtime/io/mapped_file.h"

#include <algorithm>
#include <span>

namespace kine::dit {

namespace fs = std::filesystem;

namespace {

constexpr const char* kWeightNames[] = {"diffusion_pytorch_model", "model"};

/// diffusion_pytorch_model.safetensors or its shards, not the .fp16 twin that may lie beside it.
bool is_weight_file(const fs::path& file) {
    const std::string stem = file.stem().string();
    const auto is_named = [&](const char* name) { return stem == name || stem.starts_with(std::string(name) + "-"); };
    return file.extension() == ".safetensors" &&
           std::any_of(std::begin(kWeightNames), std::end(kWeightNames), is_named);
}

bool is_folder(const fs::path& path) {
    std::error_code ignored;
    return fs::is_directory(path, ignored);
}

}  // namespace

std::string ModelSource::index_file() const {
    return known_index.is_null() ? (root / "model_index.json").string() : label;
}

Json ModelSource::index() const {
    Json index = known_index.is_null() ? read_json(root / "model_index.json") : known_index;
    check(index.is_object() && index.contains("_class_name") && index["_class_name"].is_string(), ErrorCode::BadInput,
          "{}: expected an object with the text '_class_name'", index_file());
    return index;
}

bool ModelSource::has(const std::string& part) const { return parts.contains(part) || is_folder(root / part); }

fs::path ModelSource::folder(const std::string& part) const {
    const auto given = parts.find(part);
    if (given != parts.end() && !given->second.folder.empty()) return given->second.folder;
    check(!root.empty() && is_folder(root / part), ErrorCode::BadInput, "{}: component folder '{}' is missing", label,
          part);
    return root / part;
}

std::string ModelSource::config_file(const std::string& part, const std::string& file) const {
    const auto given = parts.find(part);
    if (given != parts.end() && !given->second.config.is_null()) return label + ": " + part;
    return (folder(part) / file).string();
}

Json ModelSource::config(const std::string& part, const std::string& file) const {
    const auto given = parts.find(part);
    Json config = given != parts.end() && !given->second.config.is_null() ? given->second.config
                                                                          : read_json(config_file(part, file));
    check(config.is_object(), ErrorCode::BadInput, "{}: expected a JSON object, got {}", config_file(part, file),
          config.type_name());
    return config;
}

std::vector<fs::path> ModelSource::weight_files(const std::string& part) const {
    const auto given = parts.find(part);
    if (given != parts.end() && !given->second.weights.empty()) return given->second.weights;
    std::vector<fs::path> files;
    if (root.empty()) return files;
    std::error_code ignored;
    for (const fs::directory_entry& file : fs::directory_iterator(root / part, ignored)) {
        if (is_weight_file(file.path())) files.push_back(file.path());
    }
    return files;
}

std::vector<fs::path> ModelSource::weight_files() const {
    std::vector<fs::path> files;
    const Json all = index();
    for (const auto& [part, entry] : all.items()) {
        if (!entry.is_array()) continue;
        const std::vector<fs::path> own = weight_files(part);
        files.insert(files.end(), own.begin(), own.end());
    }
    std::sort(files.begin(), files.end());
    files.erase(std::unique(files.begin(), files.end()), files.end());
    return files;
}

Weights ModelSource::open(const std::string& part) const {
    const auto given = parts.find(part);
    const bool elsewhere = given != parts.end() && !given->second.weights.empty();
    return elsewhere ? Weights::open_files(given->second.weights)
                     : Weights::open_component(folder(part), {std::begin(kWeightNames), std::end(kWeightNames)});
}

ModelSource diffusers_source(const fs::path& directory) {
    check(is_folder(directory), ErrorCode::BadInput, "model '{}': no such directory", directory.string());
    ModelSource source;
    source.label = directory.string();
    source.root = directory;
    return source;
}

std::string hash_of(const ModelSource& source) {
    constexpr size_t kEdge = 1 << 16;
    Digest digest;
    for (const fs::path& file : source.weight_files()) {
        const auto mapped = MappedFile::open(file);
        const std::span<const std::byte> bytes = mapped->bytes();
        digest.add(fs::relative(file, source.root).generic_string());
        digest.add(std::to_string(bytes.size()));
        digest.add(bytes.first(std::min(kEdge, bytes.size())));
        digest.add(bytes.last(std::min(kEdge, bytes.size())));
    }
    return fmt::format("{:016x}", digest.value());
}

}  // namespace kine::dit
