#include "dit/presets.h"

#include "dit/preset_texts.h"
#include "runtime/io/json.h"
#include "runtime/options.h"
#include "runtime/registry.h"
#include "runtime/tensor/dtype.h"

namespace kine::dit {

namespace {

const Json& object_in(const Json& json, const char* key, std::string_view where) {
    const auto found = json.find(key);
    check(found != json.end() && found->is_object(), ErrorCode::BadInput, "{}: {}: expected an object", where, key);
    return *found;
}

Preset preset_from(const Json& json, const std::string& where) {
    Preset preset;
    read_options(FieldList(preset), json, where, {"name"});
    const auto known = {"bf16", "f16", "f32"};
    check(std::ranges::find(known, preset.dtype) != known.end(), ErrorCode::BadInput,
          "{}: dtype is '{}', expected bf16, f16 or f32", where, preset.dtype);
    preset.source.label = where.ends_with(".json") ? where : "preset " + preset.name;
    preset.source.dialect = "preset";
    preset.source.defaults = object_in(json, "defaults", where);
    preset.source.known_index = object_in(json, "model_index", where);
    for (const auto& [part, entry] : preset.source.known_index.items()) {
        const bool is_absent = !entry.is_array() || entry.empty() || entry.back().is_null();
        if (part == "tokenizer" || is_absent) continue;
        preset.source.parts[part].config = object_in(json, part.c_str(), where);
    }
    if (json.contains("published_cost"))
        read_options(FieldList(preset.published_cost), object_in(json, "published_cost", where),
                     std::string(where) + ": published_cost", {"teraflops", "source"});
    return preset;
}

}  // namespace

std::vector<Preset> presets() {
    std::vector<Preset> all;
    for (const std::string_view text : kPresetTexts)
        all.push_back(preset_from(parse_json(text, "assets/presets"), "assets/presets"));
    return all;
}

Preset find_preset(const std::string& name) {
    if (name.ends_with(".json")) {
        const Json json = read_json(name);
        check(json.is_object(), ErrorCode::BadInput, "{}: expected a JSON object, got {}", name, json.type_name());
        return preset_from(json, name);
    }
    const std::vector<Preset> all = presets();
    return find_entry(std::span<const Preset>(all), "preset", name);
}

}  // namespace kine::dit
