#include "tests/apps/support/model_copy.h"

#include "tests/support/safetensors_bytes.h"
#include "tests/support/source_tree.h"

#include <cstring>

namespace kine::apps {

namespace fs = std::filesystem;

fs::path golden_case() { return source_tree() / "tests" / "golden" / "latte"; }
fs::path tiny_model() { return golden_case() / "model"; }

Checkpoint Checkpoint::read(const fs::path& file) {
    const std::string bytes = content_of(file);
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof(length));
    return {nlohmann::ordered_json::parse(bytes.substr(8, length)), bytes.substr(8 + length)};
}

void Checkpoint::write(const fs::path& file) const {
    const std::string text = header.dump();
    std::ofstream(file, std::ios::binary) << little_endian(text.size()) << text << data;
}

char* Checkpoint::bytes_of(const std::string& name) {
    return data.data() + header.at(name).at("data_offsets").at(0).get<size_t>();
}

ModelCopy::ModelCopy() {
    fs::copy(tiny_model(), folder_.path(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
}

void ModelCopy::edit_json(std::string_view name, const std::function<void(nlohmann::json&)>& edit) const {
    nlohmann::json value = nlohmann::json::parse(read(name));
    edit(value);
    write(name, value.dump(2));
}

void ModelCopy::edit_checkpoint(std::string_view name, const std::function<void(Checkpoint&)>& edit) const {
    Checkpoint checkpoint = Checkpoint::read(folder_ / name);
    edit(checkpoint);
    checkpoint.write(folder_ / name);
}

LongModel::LongModel() {
    edit_json(kTransformerConfig, [](nlohmann::json& config) { config["video_length"] = 1000; });
}

std::vector<std::string> generate(const std::vector<std::string>& more) {
    return generate_with(tiny_model().string(), more);
}

std::vector<std::string> generate_with(const std::string& model, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"generate", "-m", model, "-p", "a kite", "--seed", "7", "--steps", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

}  // namespace kine::apps
