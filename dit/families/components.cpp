#include "dit/families/components.h"

#include "runtime/printable.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace kine::dit {

void Components::expect_class(const std::string& name, std::initializer_list<std::string_view> known) const {
    const std::string file = index_file();
    const Json index = this->index();
    const auto entry = index.find(name);
    if (entry == index.end()) return;
    check(entry->is_array() && entry->size() == 2 && (*entry)[1].is_string(), ErrorCode::BadInput,
          "{}: {} is {}, expected [library, class]", file, name, entry->dump());
    const std::string stated = (*entry)[1];
    check(std::find(known.begin(), known.end(), stated) != known.end(), ErrorCode::Unsupported,
          "{}: {} is of the class '{}', known are {}", file, name, stated, fmt::join(known, ", "));
}

Weights Components::open(const std::string& name, Translate translate) const {
    const bool is_absent = binding_ == Binding::Imagined && source_.weight_files(name).empty();
    Weights weights = is_absent ? Weights::imagined(source_.label + ": " + name) : source_.open(name);
    if (original_ && !is_absent) to_ours(*original_, name, weights);
    if (binding_ != Binding::Values) weights.imagine();
    weights.rename(translate);
    return weights;
}

std::unique_ptr<Tokenizer> Components::tokenizer() const {
    const auto given = source_.parts.find("tokenizer");
    if (given != source_.parts.end() && !given->second.spiece_model.empty())
        return parse_sentencepiece(given->second.spiece_model, source_.label + ": tokenizer");
    const bool may_lack = binding_ == Binding::Imagined;
    if (may_lack && (!source_.has("tokenizer") || !has_sentencepiece(folder("tokenizer")))) return nullptr;
    return open_sentencepiece(folder("tokenizer"));
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

void read_scheduler(const Components& components, Model& model) {
    model.scheduler = std::make_shared<Json>(components.config("scheduler", "scheduler_config.json"));
    model.scheduler_file = components.config_file("scheduler", "scheduler_config.json");
    check(!text_of(*model.scheduler, "_class_name", model.scheduler_file).empty(), ErrorCode::BadInput,
          "{}: _class_name is missing", model.scheduler_file);
}

PromptEncoder open_prompt_encoder(Components& components, int64_t length, int64_t caption_channels, Padding padding) {
    const T5Config t5 = T5Config::from_json(components.config("text_encoder"), components.config_file("text_encoder"));
    auto tokenizer = components.tokenizer();
    check(!tokenizer || tokenizer->vocabulary_size() <= t5.vocab_size, ErrorCode::BadInput,
          "{}: the tokenizer has ids up to {}, the text encoder embeds {}", components.source().label,
          tokenizer ? tokenizer->vocabulary_size() - 1 : 0, t5.vocab_size);
    check(t5.d_model == caption_channels, ErrorCode::BadInput,
          "{}: d_model is {}, the transformer expects caption_channels {}", components.config_file("text_encoder"),
          t5.d_model, caption_channels);
    auto encoder = components.bind("text_encoder", [&](const Scope& scope) { return T5Encoder(scope, t5); });
    return {std::move(tokenizer), std::move(encoder), length, padding};
}

}  // namespace kine::dit
