#include "dit/families/dialect.h"

namespace kine::dit {

namespace {

/// ComfyUI's file of a text encoder holds the tokenizer beside the tensors.
std::optional<std::string> without_tokenizer(const std::string& stored) {
    return stored == "spiece_model" ? std::nullopt : std::optional(stored);
}

}  // namespace

void to_ours(const Dialect& dialect, std::string_view part, Weights& weights) {
    if (part.starts_with("transformer")) return dialect.transformer(weights);
    if (part == "text_encoder") {
        weights.rename(without_tokenizer);
        dialect.text_encoder(weights);
    }
    if (part == "vae") dialect.vae(weights);
}

std::string_view without_prefix(std::string_view name) {
    constexpr std::string_view kPrefix = "model.diffusion_model.";
    return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

}  // namespace kine::dit
