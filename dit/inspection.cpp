#include "dit/inspection.h"

#include "dit/known_words.h"

#include "dit/families/families.h"
#include "runtime/io/safetensors.h"

#include <map>

namespace kine::dit {

namespace fs = std::filesystem;

namespace {

std::string class_of(const Json& index, const std::string& component) {
    const Json& entry = index[component];
    return entry.is_array() && entry.size() == 2 && entry[1].is_string() ? entry[1].get<std::string>() : "";
}

Json describe_weights(const fs::path& folder) {
    std::map<std::string, int64_t> dtypes;
    int64_t files = 0, tensors = 0, parameters = 0, bytes = 0;
    for (const fs::directory_entry& file : fs::directory_iterator(folder)) {
        if (file.path().extension() != ".safetensors") continue;
        ++files;
        const SafetensorsFile weights = SafetensorsFile::open(file.path());
        for (const auto& [name, entry] : weights.entries()) {
            ++tensors;
            parameters += entry.shape.elements();
            bytes += entry.bytes;
            dtypes[entry.dtype_name] += entry.shape.elements();
        }
    }
    return {{"files", files}, {"tensors", tensors}, {"parameters", parameters}, {"bytes", bytes}, {"dtypes", dtypes}};
}

Json describe_components(const fs::path& directory, const Json& index) {
    Json components = Json::array();
    for (const auto& [name, value] : index.items()) {
        if (name.starts_with("_") || !value.is_array()) continue;
        Json component = {{"name", name}, {"class", class_of(index, name)}};
        std::error_code ignored;
        const fs::path folder = directory / name;
        component["present"] = fs::is_directory(folder, ignored);
        if (component["present"].get<bool>()) component.update(describe_weights(folder));
        components.push_back(std::move(component));
    }
    return components;
}

Json describe_defaults(const Model& model) {
    const FamilyDefaults& defaults = model.defaults;
    return {{"width", defaults.width},
            {"height", defaults.height},
            {"num_frames", defaults.num_frames},
            {"fps", defaults.fps},
            {"steps", defaults.steps},
            {"guidance_scale", defaults.guidance_scale},
            {"scheduler", model.scheduler.value("_class_name", "")}};
}

}  // namespace

Json inspect_model(Context& context, const fs::path& directory) {
    const Family& family = family_of(directory);
    const Json index = read_json(directory / "model_index.json");
    Json result = {{"path", directory.string()}, {"family", family.name}, {"class", index["_class_name"]}};
    result["components"] = describe_components(directory, index);
    result["problems"] = Json::array();
    for (const auto& [kind, words] : read_known_words(directory).kinds) result["words"][kind] = words;
    try {
        const std::unique_ptr<Model> model = load_model(context, directory, DType::BFloat16);
        result["hash"] = model->hash;
        result["unused"] = model->unused_weights;
        result["defaults"] = describe_defaults(*model);
    } catch (const Error& error) {
        result["problems"].push_back(error.what());
    }
    return result;
}

}  // namespace kine::dit
