#include "dit/families/components.h"

#include "runtime/digest.h"
#include "runtime/io/mapped_file.h"
#include "runtime/printable.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

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

/// Of the components that model_index.json names, an upper bound of what is bound.
std::vector<fs::path> weight_files(const fs::path& directory) {
    std::vector<fs::path> files;
    std::error_code ignored;
    const Json index = read_json(directory / "model_index.json");
    for (const auto& [component, entry] : index.items()) {
        for (const fs::directory_entry& file : fs::directory_iterator(directory / component, ignored)) {
            if (entry.is_array() && is_weight_file(file.path())) files.push_back(file.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

int64_t stored_elements(const fs::path& file) {
    int64_t elements = 0;
    const SafetensorsFile weights = SafetensorsFile::open(file);
    for (const auto& [name, entry] : weights.entries()) elements += entry.shape.elements();
    return elements;
}

}  // namespace

Components::Components(Context& context, const fs::path& directory, DType dtype)
    : context_(context), directory_(directory), dtype_(dtype) {
    const int64_t bytes = weight_bytes_of(directory, dtype);
    const int64_t budget = context.allocator.budget();
    check(budget == 0 || bytes <= budget, ErrorCode::DoesNotFit,
          "{}: weights need {} bytes in {}, the budget is {} (raise --max-ram)", directory.string(), bytes,
          name_of(dtype), budget);
}

fs::path Components::folder(const std::string& name) const {
    std::error_code ignored;
    const fs::path path = directory_ / name;
    check(fs::is_directory(path, ignored), ErrorCode::BadInput, "{}: component folder '{}' is missing",
          directory_.string(), name);
    return path;
}

std::string Components::config_file(const std::string& name, const std::string& file) const {
    return (folder(name) / file).string();
}

Json Components::config(const std::string& name, const std::string& file) const {
    Json config = read_json(config_file(name, file));
    check(config.is_object(), ErrorCode::BadInput, "{}: expected a JSON object, got {}", config_file(name, file),
          config.type_name());
    return config;
}

void Components::expect_class(const std::string& name, std::initializer_list<std::string_view> known) const {
    const fs::path file = directory_ / "model_index.json";
    const Json index = read_json(file);
    const auto entry = index.find(name);
    if (entry == index.end()) return;
    check(entry->is_array() && entry->size() == 2 && (*entry)[1].is_string(), ErrorCode::BadInput,
          "{}: {} is {}, expected [library, class]", file.string(), name, entry->dump());
    const std::string stated = (*entry)[1];
    check(std::find(known.begin(), known.end(), stated) != known.end(), ErrorCode::Unsupported,
          "{}: {} is of the class '{}', known are {}", file.string(), name, stated, fmt::join(known, ", "));
}

Weights Components::open(const std::string& name, Translate translate) const {
    Weights weights = Weights::open_component(folder(name), {std::begin(kWeightNames), std::end(kWeightNames)});
    weights.rename(translate);
    return weights;
}

std::string text_of(const Json& config, const char* key, std::string_view where) {
    const auto found = config.find(key);
    if (found == config.end() || found->is_null()) return "";
    check(found->is_string(), ErrorCode::BadInput, "{}: {} is {}, expected a text", where, key, found->dump());
    return *found;
}

void Components::keep_unused(const std::string& name, const Weights& weights) {
    for (const std::string& tensor : weights.unused())
        unused_.push_back(fmt::format("{}: {}", name, printable(tensor)));
}

int64_t weight_bytes_of(const fs::path& directory, DType dtype) {
    int64_t elements = 0;
    for (const fs::path& file : weight_files(directory)) elements += stored_elements(file);
    return elements * size_of(dtype);
}

std::string hash_of(const fs::path& directory) {
    constexpr size_t kEdge = 1 << 16;
    Digest digest;
    for (const fs::path& file : weight_files(directory)) {
        const auto mapped = MappedFile::open(file);
        const std::span<const std::byte> bytes = mapped->bytes();
        digest.add(fs::relative(file, directory).generic_string());
        digest.add(std::to_string(bytes.size()));
        digest.add(bytes.first(std::min(kEdge, bytes.size())));
        digest.add(bytes.last(std::min(kEdge, bytes.size())));
    }
    return fmt::format("{:016x}", digest.value());
}

void read_scheduler(const Components& components, Model& model) {
    model.scheduler = components.config("scheduler", "scheduler_config.json");
    model.scheduler_file = components.config_file("scheduler", "scheduler_config.json");
    check(!text_of(model.scheduler, "_class_name", model.scheduler_file).empty(), ErrorCode::BadInput,
          "{}: _class_name is missing", model.scheduler_file);
}

PromptEncoder open_prompt_encoder(Components& components, int64_t length, int64_t caption_channels, Padding padding) {
    const T5Config t5 = T5Config::from_json(components.config("text_encoder"), components.config_file("text_encoder"));
    const fs::path folder = components.folder("tokenizer");
    auto tokenizer = open_sentencepiece(folder);
    check(tokenizer->vocabulary_size() <= t5.vocab_size, ErrorCode::BadInput,
          "{}: the tokenizer has ids up to {}, the text encoder embeds {}", folder.string(),
          tokenizer->vocabulary_size() - 1, t5.vocab_size);
    check(t5.d_model == caption_channels, ErrorCode::BadInput,
          "{}: d_model is {}, the transformer expects caption_channels {}", components.config_file("text_encoder"),
          t5.d_model, caption_channels);
    auto encoder = components.bind("text_encoder", [&](const Scope& scope) { return T5Encoder(scope, t5); });
    return {std::move(tokenizer), std::move(encoder), length, padding};
}

}  // namespace kine::dit
