#include "dit/families/families.h"

#include "dit/families/cogvideox/family.h"
#include "dit/families/cogvideox/names.h"
#include "dit/families/components.h"
#include "dit/families/latte/family.h"
#include "dit/families/open_sora/family.h"
#include "dit/families/wan/family.h"
#include "dit/families/wan/names.h"

#include <fmt/ranges.h>

#include <array>

namespace kine::dit {

namespace {

constexpr std::array kFamilies = {
    Family{
        "cogvideox", "CogVideoXPipeline",
        "CogVideoX 2b, 5b and 1.5: text and video tokens in one attention, T5 text, causal 3-D VAE (arXiv 2408.06072)",
        cogvideox::read, cogvideox::kImagePipeline, &cogvideox::kOriginal},
    Family{"latte", "LattePipeline",
           "Latte-1: spatial and temporal blocks in turn, T5 text, 2-D VAE (arXiv 2401.03048)", latte::read},
    Family{"open_sora", "OpenSoraPipeline",
           "Open-Sora 1.2: spatial and temporal blocks in turn, rectified flow, causal 3-D VAE", open_sora::read},
    Family{"wan",
           "WanPipeline",
           "Wan 2.1 and 2.2: joint attention with rotary positions, UMT5 text, causal 3-D VAE (arXiv 2503.20314)",
           wan::read,
           {},
           &wan::kOriginal},
};

std::string known_classes() {
    std::string text;
    const auto add = [&](std::string_view name) { text += fmt::format("{}{}", text.empty() ? "" : ", ", name); };
    for (const Family& family : kFamilies) {
        add(family.pipeline_class);
        if (!family.image_pipeline_class.empty()) add(family.image_pipeline_class);
    }
    return text;
}

}  // namespace

std::span<const Family> families() { return kFamilies; }

const Family& family_of(const ModelSource& source) {
    const std::string name = source.index()["_class_name"];
    for (const Family& family : kFamilies) {
        if (name == family.pipeline_class || (name == family.image_pipeline_class && !name.empty())) return family;
    }
    fail(ErrorCode::Unsupported, "{}: pipeline '{}' is not supported, known are {}", source.index_file(), name,
         known_classes());
}

namespace {

void bind_stage(Model& model, Stage stage, Components& components) {
    if (stage == Stage::Encode) return model.bind_encoders(components);
    if (stage == Stage::Denoise) return model.bind_transformer(components);
    if (stage == Stage::Refine) return model.bind_second_expert(components);
    model.bind_decoder(components);
}

Components components_of(const Context& context, const ModelPlace& place, Binding binding) {
    return {context, place.source, place.dtype, binding, family_of(place.source).original, place.quantization};
}

Binding without_values(const ModelPlace& place) { return place.is_imagined ? Binding::Imagined : Binding::Shapes; }

}  // namespace

std::unique_ptr<Model> open_model(const Context& context, const ModelPlace& place) {
    const Family& family = family_of(place.source);
    check(place.dtype != DType::Float16 || context.device.kind != DeviceKind::Cpu, ErrorCode::Unsupported,
          "dtype f16: not on {}, expected f32 or bf16", to_string(context.device));
    check(place.source.missing.empty() || place.is_imagined, ErrorCode::BadInput, "{}: {}", place.source.label,
          fmt::join(place.source.missing, "; "));
    Components components = components_of(context, place, without_values(place));
    std::unique_ptr<Model> model = family.read(components);
    for (const Stage stage : kStages) {
        const int64_t before = components.bound_bytes();
        const auto counted =
            context.device.kind == DeviceKind::Cpu ? nullptr : std::make_shared<WeightOffload>(context);
        components.offload_to(counted);
        bind_stage(*model, stage, components);
        model->weights[stage] = components.bound_bytes() - before;
        if (counted) model->weights.of_layers(stage) = {counted->bytes(), counted->window_bytes()};
    }
    model->family = family.name;
    model->dtype = place.dtype;
    model->hash = hash_of(place.source);
    model->unused_weights = components.unused();
    model->defaults = model->published_defaults();
    if (!place.source.defaults.is_null())
        model->defaults = with_overrides(model->defaults, place.source.defaults, place.source.label + ": defaults");
    return model;
}

void load_stage(const Context& context, const ModelPlace& place, Model& model, Stage stage, double resident_share) {
    Components components = components_of(context, place, Binding::Values);
    const auto offload = resident_share < 1 ? std::make_shared<WeightOffload>(context, resident_share) : nullptr;
    components.offload_to(offload);
    try {
        bind_stage(model, stage, components);
        model.offload_of(stage) = offload;
    } catch (...) {
        unload_stage(context, place, model, stage);  // a stage that cannot be loaded can still be asked about
        throw;
    }
}

void unload_stage(const Context& context, const ModelPlace& place, Model& model, Stage stage) {
    Components components = components_of(context, place, without_values(place));
    model.offload_of(stage) = nullptr;
    bind_stage(model, stage, components);
}

std::unique_ptr<Model> load_model(const Context& context, const ModelSource& source, DType dtype) {
    const ModelPlace place{source, dtype};
    std::unique_ptr<Model> model = open_model(context, place);
    for (const Stage stage : kStages) load_stage(context, place, *model, stage);
    return model;
}

int64_t StageWeights::largest_without_layers() const {
    int64_t largest = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
        largest = std::max(largest, bytes[i] - layers[i].bytes + layers[i].window_bytes);
    return largest;
}

Shape Model::latent_shape(const Request& request) const {
    return {decoder->latent_channels(), decoder->latent_frames_of(request.num_frames),
            request.height / decoder->spatial_factor(), request.width / decoder->spatial_factor()};
}

Json Model::scheduler_for(const Request&) const { return *scheduler; }

Tensor Model::encode_image(const Context&, const Request& request, Noise&) const {
    check(!request.image, ErrorCode::Usage, "this {} model takes no image", family);
    return {};
}

}  // namespace kine::dit
