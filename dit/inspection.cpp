#include "dit/inspection.h"

#include "dit/families/families.h"
#include "dit/known_words.h"
#include "runtime/io/torch_file.h"

#include <map>

namespace kine::dit {

namespace fs = std::filesystem;

namespace {

std::string class_of(const Json& index, const std::string& component) {
    const Json& entry = index[component];
    return entry.is_array() && entry.size() == 2 && entry[1].is_string() ? entry[1].get<std::string>() : "";
}

void describe_weights(const std::vector<fs::path>& files, Json& component) {
    std::map<std::string, int64_t> dtypes;
    int64_t tensors = 0, parameters = 0, bytes = 0;
    for (const fs::path& file : files) {
        const SafetensorsFile weights = open_tensor_file(file);
        for (const auto& [name, entry] : weights.entries()) {
            ++tensors;
            parameters += entry.shape.elements();
            bytes += entry.bytes;
            dtypes[entry.dtype_name] += entry.shape.elements();
        }
    }
    component.update({{"files", files.size()},
                      {"tensors", tensors},
                      {"parameters", parameters},
                      {"bytes", bytes},
                      {"dtypes", dtypes}});
}

Json describe_components(const ModelSource& source, const Json& index) {
    Json components = Json::array();
    for (const auto& [name, value] : index.items()) {
        if (name.starts_with("_") || !value.is_array()) continue;
        Json component = {{"name", name}, {"class", class_of(index, name)}};
        component["present"] = source.has(name);
        if (source.has(name)) describe_weights(source.weight_files(name), component);
        components.push_back(std::move(component));
    }
    return components;
}

Json describe_defaults(const Model& model) {
    Json defaults = to_json(model.defaults);
    defaults["scheduler"] = model.scheduler->value("_class_name", "");
    return defaults;
}

}  // namespace

Json inspect_model(Context& context, const ModelSource& source) {
    const Family& family = family_of(source);
    const Json index = source.index();
    Json result = {
        {"path", source.label}, {"family", family.name}, {"class", index["_class_name"]}, {"dialect", source.dialect}};
    result["components"] = describe_components(source, index);
    result["problems"] = Json::array();
    for (const auto& [kind, words] : read_known_words(source.root).kinds) result["words"][kind] = words;
    try {
        const std::unique_ptr<Model> model = open_model(context, {source, DType::BFloat16});
        result["hash"] = model->hash;
        result["unused"] = model->unused_weights;
        result["defaults"] = describe_defaults(*model);
    } catch (const Error& error) {
        result["problems"].push_back(error.what());
    }
    return result;
}

}  // namespace kine::dit
