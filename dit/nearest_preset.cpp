#include "dit/nearest_preset.h"

#include "dit/families/families.h"
#include "runtime/error.h"
#include "runtime/io/json.h"

#include <cmath>

namespace kine::dit {

namespace {

double number_distance(double one, double other) {
    if (one == other) return 0;
    if (one <= 0 || other <= 0) return 1;
    return std::abs(std::log(one / other));
}

/// What configurations call the class of their model; Hugging Face's own have a list.
Json class_of(const Json& config) {
    if (config.contains("_class_name")) return config["_class_name"];
    const Json named = config.value("architectures", Json());
    return named.is_array() && named.size() == 1 ? named[0] : config.value("model_type", Json());
}

/// The configuration under our names, if a family's original repository writes such.
Json as_ours(const Json& config) {
    for (const Family& family : families()) {
        if (!family.original || !family.original->config) continue;
        const Json ours = family.original->config(config);
        if (!ours.is_null()) return ours;
    }
    return config;
}

/// The width of the text states, which the text encoder of a plan then has too.
void fit_text_encoder(const Json& transformer, ModelSource& source) {
    for (const char* key : {"text_dim", "text_embed_dim", "caption_channels"}) {
        if (transformer.contains(key) && source.parts.contains("text_encoder"))
            source.parts["text_encoder"].config["d_model"] = transformer[key];
    }
}

}  // namespace

double distance(const Json& one, const Json& other) {
    double sum = 0;
    for (const auto& [key, value] : one.items()) {
        const auto found = other.find(key);
        if (found == other.end() || *found == value) continue;
        const bool are_numbers = value.is_number() && found->is_number();
        sum += are_numbers ? number_distance(value.get<double>(), found->get<double>()) : 1;
    }
    return sum;
}

std::optional<Preset> nearest_preset(const std::function<Json(const Preset&)>& configured) {
    std::optional<Preset> nearest;
    double least = 0;
    for (Preset& preset : presets()) {
        const Json published = preset.source.config("transformer", "");
        const Json config = configured(preset);
        if (config.is_null()) continue;
        const double far = distance(config, published);
        if (nearest && far >= least) continue;
        least = far;
        nearest = std::move(preset);
        for (const char* part : {"transformer", "transformer_2"}) {
            if (nearest->source.parts.contains(part)) nearest->source.parts[part].config = config;
        }
    }
    return nearest;
}

ModelSource source_of_config(const Json& config, const std::string& where, bool is_pair) {
    check(config.is_object(), ErrorCode::BadInput, "{}: expected a JSON object, got {}", where, config.type_name());
    const Json ours = as_ours(config), name = class_of(ours);
    check(!name.is_null(), ErrorCode::BadInput, "{}: names no class, expected _class_name, architectures or model_type",
          where);
    const auto preset = nearest_preset([&](const Preset& candidate) {
        Json published = candidate.source.config("transformer", "");
        if (published.value("_class_name", Json()) != name) return Json();
        if (is_pair && !candidate.source.parts.contains("transformer_2")) return Json();
        published.update(ours);
        published["_class_name"] = name;
        return published;
    });
    check(preset.has_value(), ErrorCode::Unsupported, "{}: is the configuration of {}, which is no {} that we know",
          where, name.dump(), is_pair ? "pair of transformers" : "transformer");
    ModelSource source = preset->source;
    fit_text_encoder(source.config("transformer", ""), source);
    source.dialect = fmt::format("one configuration, the rest as {}", preset->source.label);
    source.label = where;
    source.missing.push_back("holds the transformer's configuration only, which suffices for a plan");
    return source;
}

}  // namespace kine::dit
