#include "dit/golden_case.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace kine::dit {

namespace {

/// Reading case.json goes wrong in one way only: the file is not what it should be.
template <class Read>
auto reading(const std::filesystem::path& directory, Read&& read) {
    try {
        return read();
    } catch (const Json::exception& error) {
        fail(ErrorCode::BadInput, "{}: {}", (directory / "case.json").string(), error.what());
    }
}

/// Keeps the order of the file, which decides between rules whose spans overlap.
using OrderedJson = nlohmann::ordered_json;

broadcast::PabRule rule_of(const OrderedJson& rules, const char* kind) {
    if (!rules.contains(kind) || rules[kind].is_null()) return {1, 0, 0};
    return {rules[kind].at(0).get<int>(), rules[kind].at(1).get<int64_t>(), rules[kind].at(2).get<int64_t>()};
}

std::vector<broadcast::MlpRule> mlp_rules_of(const OrderedJson& rules, const char* kind) {
    std::vector<broadcast::MlpRule> result;
    if (!rules.contains("mlp") || !rules["mlp"].contains(kind)) return result;
    for (const auto& [timestep, entry] : rules["mlp"][kind].items()) {
        result.push_back(
            {std::stoll(timestep), entry.at("block").get<std::vector<int>>(), entry.at("skip_count").get<int>()});
    }
    return result;
}

/// What a prompt is extended by where the family does that; null says "none".
std::string prompt_options_of(const Json& request) {
    std::string text;
    for (const char* key : {"aesthetic_score", "motion_score", "camera_motion"}) {
        if (!request.contains(key)) continue;
        const Json& value = request[key];
        const std::string word = value.is_null() ? "none" : value.is_string() ? value.get<std::string>() : value.dump();
        text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, word);
    }
    return text;
}

/// "denoise/step_003/latents", "pab_gated/step_001/prediction_negative", ...
bool is_of_run(const std::string& key) {
    const bool in_run = key.starts_with("denoise/") || key.starts_with("pab_");
    const auto is = [&](std::string_view what) { return key.find(what) != std::string::npos; };
    return in_run && (is("latents") || is("/prediction") || is("/noise"));
}

double largest_magnitude(const Tensor& tensor) {
    if (tensor.dtype() != DType::Float32) return 0;
    const auto* values = tensor.data<float>();
    double largest = 0;
    for (int64_t i = 0; i < tensor.elements(); ++i)
        largest = std::max(largest, std::abs(static_cast<double>(values[i])));
    return largest;
}

/// What the reference was not given stands in a case as null.
Json without_nulls(const Json& object) {
    Json given = Json::object();
    for (const auto& [key, value] : object.items()) {
        if (!value.is_null()) given[key] = value;
    }
    return given;
}

}  // namespace

GoldenCase::GoldenCase(const std::filesystem::path& directory)
    : directory_(directory),
      description_(read_json(directory / "case.json")),
      tensors_(SafetensorsFile::open(directory / "tensors.safetensors")) {
    check(description_.contains("request") && description_["request"].is_object(), ErrorCode::BadInput,
          "{}: expected an object 'request'", (directory / "case.json").string());
}

std::string GoldenCase::family() const { return description_["request"].value("family", ""); }

std::string GoldenCase::long_prompt() const {
    const auto found = description_.find("long_prompt");
    return found != description_.end() && found->is_string() ? found->get<std::string>() : "";
}

Tensor GoldenCase::tensor(const std::string& key) const {
    const Tensor stored = tensors_.tensor(key);
    if (!frames_first_ || !is_of_run(key)) return stored;
    return stored.transpose(stored.rank() - 4, stored.rank() - 3);
}

Request GoldenCase::request() const {
    return reading(directory_, [&] {
        const Json stored = without_nulls(description_["request"]);
        Request request;
        request.prompt = stored.at("prompt").get<std::string>();
        request.negative_prompt = stored.value("negative_prompt", "");
        request.width = stored.at("width").get<int64_t>();
        request.height = stored.at("height").get<int64_t>();
        request.num_frames = stored.at("num_frames").get<int64_t>();
        request.steps = stored.at("num_inference_steps").get<int64_t>();
        request.guidance_scale = stored.value("guidance_scale", 1.0);
        if (stored.contains("guidance_scale_2")) request.guidance_scale_2 = stored["guidance_scale_2"].get<double>();
        for (const char* key : {"input/image", "image/pixels"}) {
            if (has(key)) request.image = tensor(key);
        }
        request.dynamic_guidance = stored.value("use_dynamic_cfg", false);
        request.prompt_options = prompt_options_of(stored);
        if (stored.contains("eta")) request.sampler_options = fmt::format("eta={}", stored["eta"].get<double>());
        return request;
    });
}

std::vector<std::string> GoldenCase::branch_keys(const std::string& key) const {
    if (has(key)) return {key};
    std::vector<std::string> keys;
    for (const char* branch : {"_negative", "_positive"}) {
        if (has(key + branch)) keys.push_back(key + branch);
    }
    return keys;
}

std::string GoldenCase::step_key(const std::string& run, int64_t step, const std::string& what) {
    return fmt::format("{}/step_{:03}/{}", run, step, what);
}

double GoldenCase::allowed(const std::string& key, const std::string& noise_key) const {
    const Json noise = description_.value("float32_noise", Json::object());
    const double own = noise.value(key, noise.value(noise_key, 0.0));
    return std::max(8 * own, 1e-6 * largest_magnitude(tensor(key)));
}

broadcast::PabOptions GoldenCase::pab_rules(const std::string& run) const {
    return reading(directory_, [&] {
        const auto file = OrderedJson::parse(read_text(directory_ / "case.json"));  // checked when it was opened
        const OrderedJson& rules = file.at(run).at("rule");
        broadcast::PabOptions options;
        options.spatial = rule_of(rules, "spatial");
        options.temporal = rule_of(rules, "temporal");
        options.cross = rule_of(rules, "cross");
        options.keep = run == "pab_gated" ? broadcast::Keep::Gated : broadcast::Keep::Ungated;
        if (options.keep == broadcast::Keep::Gated) {  // diffusers' variant broadcasts no MLP
            options.mlp_spatial = mlp_rules_of(rules, "spatial");
            options.mlp_temporal = mlp_rules_of(rules, "temporal");
        }
        return options;
    });
}

}  // namespace kine::dit
