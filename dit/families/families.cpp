#include "dit/families/families.h"

#include "dit/families/cogvideox/family.h"
#include "dit/families/components.h"
#include "dit/families/latte/family.h"
#include "dit/families/open_sora/family.h"
#include "dit/families/wan/family.h"

#include <array>

namespace kine::dit {

namespace {

constexpr std::array kFamilies = {
    Family{
        "cogvideox", "CogVideoXPipeline",
        "CogVideoX 2b, 5b and 1.5: text and video tokens in one attention, T5 text, causal 3-D VAE (arXiv 2408.06072)",
        cogvideox::build, cogvideox::kImagePipeline},
    Family{"latte", "LattePipeline",
           "Latte-1: spatial and temporal blocks in turn, T5 text, 2-D VAE (arXiv 2401.03048)", latte::build},
    Family{"open_sora", "OpenSoraPipeline",
           "Open-Sora 1.2: spatial and temporal blocks in turn, rectified flow, causal 3-D VAE", open_sora::build},
    Family{"wan", "WanPipeline",
           "Wan 2.1 and 2.2: joint attention with rotary positions, UMT5 text, causal 3-D VAE (arXiv 2503.20314)",
           wan::build},
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

const Family& family_of(const std::filesystem::path& directory) {
    std::error_code ignored;
    check(std::filesystem::is_directory(directory, ignored), ErrorCode::BadInput, "model '{}': no such directory",
          directory.string());
    const std::filesystem::path file = directory / "model_index.json";
    const Json index = read_json(file);
    check(index.is_object() && index.contains("_class_name") && index["_class_name"].is_string(), ErrorCode::BadInput,
          "{}: expected an object with the text '_class_name'", file.string());
    const std::string name = index["_class_name"];
    for (const Family& family : kFamilies) {
        if (name == family.pipeline_class || (name == family.image_pipeline_class && !name.empty())) return family;
    }
    fail(ErrorCode::Unsupported, "{}: pipeline '{}' is not supported, known are {}", file.string(), name,
         known_classes());
}

std::unique_ptr<Model> load_model(Context& context, const std::filesystem::path& directory, DType dtype) {
    const Family& family = family_of(directory);
    std::unique_ptr<Model> model = family.build(context, directory, dtype);
    model->family = family.name;
    model->dtype = dtype;
    model->hash = hash_of(directory);
    model->weight_bytes = weight_bytes_of(directory, dtype);
    return model;
}

Shape Model::latent_shape(const Request& request) const {
    return {decoder->latent_channels(), decoder->latent_frames_of(request.num_frames),
            request.height / decoder->spatial_factor(), request.width / decoder->spatial_factor()};
}

Tensor Model::encode_image(const Context&, const Request& request, Noise&) const {
    check(!request.image, ErrorCode::Usage, "this {} model takes no image", family);
    return {};
}

}  // namespace kine::dit
