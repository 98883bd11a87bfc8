// The parts of a model as a family binds them: configurations, weights and what binding them found.
#pragma once

#include "dit/families/family.h"
#include "dit/families/model_source.h"
#include "dit/text/prompt_encoder.h"
#include "runtime/weights.h"

#include <string>

namespace kine::dit {

/// What binding gives: values, or only shapes, which suffice for every question that a plan asks. Shapes are held
/// against the files; Imagined does without files where there are none.
enum class Binding { Values, Shapes, Imagined };

/// Opens components by folder name. Every message names the file.
class Components {
  public:
    /// Weights are bound in `dtype`; `original`: other names that they may have, or null. Refers to the source.
    Components(const Context& context, const ModelSource& source, DType dtype, Binding binding,
               const Dialect* original = nullptr, Quantization quantization = Quantization::None)
        : context_(context),
          source_(source),
          dtype_(dtype),
          binding_(binding),
          original_(original),
          quantization_(quantization) {}

    DType dtype() const { return dtype_; }
    const ModelSource& source() const { return source_; }
    /// model_index.json, or what stands for it.
    Json index() const { return source_.index(); }
    std::string index_file() const { return source_.index_file(); }
    /// The folder `name`; BadInput if it is missing.
    std::filesystem::path folder(const std::string& name) const { return source_.folder(name); }
    std::string config_file(const std::string& name, const std::string& file = "config.json") const {
        return source_.config_file(name, file);
    }
    /// Always an object.
    Json config(const std::string& name, const std::string& file = "config.json") const {
        return source_.config(name, file);
    }
    /// Holds what model_index.json says of the component against the classes that we can stand in for.
    void expect_class(const std::string& name, std::initializer_list<std::string_view> known) const;

    /// What a stored name is called here; nothing: known and not needed.
    using Translate = std::optional<std::string> (*)(const std::string& stored);
    static std::optional<std::string> as_stored(const std::string& stored) { return stored; }

    /// Who keeps the layers of what is bound from here on; null: nobody.
    void offload_to(std::shared_ptr<WeightOffload> offload) { offload_ = std::move(offload); }

    /// Calls make(scope) on the component's weights, then reports everything missing, misshapen or unexpected at once.
    template <class Make>
    auto bind(const std::string& name, Make&& make, Translate translate = as_stored) {
        Weights weights = open(name, translate);
        weights.quantize_blocks(quantization_);
        weights.offload_to(offload_);
        auto component = make(Scope(context_, weights, dtype_));
        weights.finish();
        keep_unused(name, weights);
        bound_bytes_ += weights.bound_bytes();
        return component;
    }

    /// The component tokenizer; null where it may be imagined and is not there.
    std::unique_ptr<Tokenizer> tokenizer() const;

    /// "component: tensor" of what no component asked for: parts that belong to other programs.
    const std::vector<std::string>& unused() const { return unused_; }
    /// Of all components so far, in the types that they are held in.
    int64_t bound_bytes() const { return bound_bytes_; }

  private:
    Weights open(const std::string& name, Translate translate) const;
    void keep_unused(const std::string& name, const Weights& weights);

    const Context& context_;
    const ModelSource& source_;
    DType dtype_;
    Binding binding_;
    const Dialect* original_;
    Quantization quantization_;
    std::shared_ptr<WeightOffload> offload_;
    std::vector<std::string> unused_;
    int64_t bound_bytes_ = 0;
};

/// The text `key` of `config`, empty where it is missing or null.
std::string text_of(const Json& config, const char* key, std::string_view where);
/// The model's scheduler and scheduler_file, from the component scheduler.
void read_scheduler(const Components& components, Model& model);
/// The components tokenizer and text_encoder, with the transformer's caption_channels as the width that it expects.
PromptEncoder open_prompt_encoder(Components& components, int64_t length, int64_t caption_channels,
                                  Padding padding = Padding::Hidden);

}  // namespace kine::dit
