// The parts of a diffusers model directory: configurations, weight files and what binding them found.
#pragma once

#include "dit/families/family.h"
#include "dit/text/prompt_encoder.h"
#include "runtime/weights.h"

#include <filesystem>
#include <string>

namespace kine::dit {

/// Opens components by folder name. Every message names the file.
class Components {
  public:
    /// Weights are bound in `dtype`. Refuses a model that cannot fit the context's budget before anything is read.
    Components(Context& context, const std::filesystem::path& directory, DType dtype);

    /// The folder `name`; BadInput if it is missing.
    std::filesystem::path folder(const std::string& name) const;
    std::string config_file(const std::string& name, const std::string& file = "config.json") const;
    /// Always an object.
    Json config(const std::string& name, const std::string& file = "config.json") const;
    /// Holds what model_index.json says of the component against the classes that we can stand in for.
    void expect_class(const std::string& name, std::initializer_list<std::string_view> known) const;

    /// What a stored name is called here; nothing: known and not needed.
    using Translate = std::optional<std::string> (*)(const std::string& stored);
    static std::optional<std::string> as_stored(const std::string& stored) { return stored; }

    /// Calls make(scope) on the component's weights, then reports everything missing, misshapen or unexpected at once.
    template <class Make>
    auto bind(const std::string& name, Make&& make, Translate translate = as_stored) {
        Weights weights = open(name, translate);
        auto component = make(Scope(context_, weights, dtype_));
        weights.finish();
        keep_unused(name, weights);
        return component;
    }

    /// "component: tensor" of what no component asked for: parts that belong to other programs.
    const std::vector<std::string>& unused() const { return unused_; }

  private:
    Weights open(const std::string& name, Translate translate) const;
    void keep_unused(const std::string& name, const Weights& weights);

    Context& context_;
    std::filesystem::path directory_;
    DType dtype_;
    std::vector<std::string> unused_;
};

/// The text `key` of `config`, empty where it is missing or null.
std::string text_of(const Json& config, const char* key, std::string_view where);
/// Sum of the weight files' sizes as they would lie in memory in `dtype`.
int64_t weight_bytes_of(const std::filesystem::path& directory, DType dtype);
/// A digest of the weight files' names, sizes, headers and edges: tells checkpoints apart without reading them whole.
std::string hash_of(const std::filesystem::path& directory);
/// The model's scheduler and scheduler_file, from the component scheduler.
void read_scheduler(const Components& components, Model& model);
/// The components tokenizer and text_encoder, with the transformer's caption_channels as the width that it expects.
PromptEncoder open_prompt_encoder(Components& components, int64_t length, int64_t caption_channels,
                                  Padding padding = Padding::Hidden);

}  // namespace kine::dit
