#include "dit/families/cogvideox/family.h"

#include "dit/families/cogvideox/text.h"
#include "dit/families/cogvideox/transformer.h"
#include "dit/families/components.h"
#include "dit/families/first_picture.h"
#include "dit/sampling/guidance.h"
#include "dit/vae/autoencoder_cogvideox.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kine::dit::cogvideox {

namespace {

constexpr int64_t kLargestSide = 16384;
constexpr int64_t kPixelStep = 8;  // the pipeline refuses other sizes, whatever the VAE's factor
constexpr int64_t kMostFrames = 4096;

struct CogVideoXModel final : Model {
    Config config;
    CogVideoXVaeConfig vae;
    std::unique_ptr<CogVideoXEncoder> encoder;

    int64_t side_step() const {
        const int64_t patch = decoder->spatial_factor() * config.patch_size;
        return patch % kPixelStep == 0 ? patch : std::lcm(patch, kPixelStep);
    }

    void check_geometry(const Request& request) const override {
        check_side("width", request.width, config.sample_width);
        check_side("height", request.height, config.sample_height);
        check(request.num_frames >= 1 && request.num_frames <= kMostFrames, ErrorCode::Usage,
              "num_frames {}: expected 1 to {}", request.num_frames, kMostFrames);
    }

    /// Sizes beyond the training's are refused where positions are counted, others than it where they were learned.
    void check_side(std::string_view name, int64_t side, int64_t sample) const {
        const int64_t usual = sample * decoder->spatial_factor(), step = side_step();
        const int64_t most = config.patch_size_t ? std::min(usual, kLargestSide) : kLargestSide;
        check(side >= step && side % step == 0 && side <= most, ErrorCode::Usage,
              "{} {}: expected a multiple of {} from {} to {}", name, side, step, step, most);
        check(!config.use_learned_positional_embeddings || side == usual, ErrorCode::Usage,
              "{} {}: expected {}, for which this model's positions were learned", name, side, usual);
    }

    /// The decoder makes these frames, however many fewer were asked for.
    void fit_geometry(Request& request) const override {
        request.num_frames = decoder->frames_of(decoder->latent_frames_of(request.num_frames));
    }

    /// Patches of several frames need whole ones: what is missing stands in front, and is dropped before decoding.
    Shape latent_shape(const Request& request) const override {
        Shape shape = Model::latent_shape(request);
        const int64_t patch = config.patch_frames();
        shape.set(1, (shape[1] + patch - 1) / patch * patch);
        return shape;
    }

    Tensor to_decode(const Context& context, const Request& request, const Conditioning&,
                     const Tensor& latents) const override {
        const int64_t added = latents.dim(1) - decoder->latent_frames_of(request.num_frames);
        return added == 0 ? latents : kernels::contiguous(context, latents.slice(1, added, latents.dim(1)));
    }

    bool is_guided(const Request& request) const override { return *request.guidance_scale > 1.0; }

    Tensor guide(const Context& context, const Tensor& prediction, const Request& request,
                 double timestep) const override {
        if (!is_guided(request)) return prediction.select(0, 0);
        const double scale = request.dynamic_guidance ? dynamic_scale(request, timestep) : *request.guidance_scale;
        return classifier_free_guidance(context, prediction, scale);
    }

    /// The reference subtracts the timestep where the step's number was meant, so the cosine's argument is huge: only
    /// these very operations in double give its values.
    static double dynamic_scale(const Request& request, double timestep) {
        const auto steps = static_cast<double>(request.steps);
        const double turn = std::pow((steps - timestep) / steps, 5.0);
        return 1.0 + *request.guidance_scale * ((1.0 - std::cos(std::numbers::pi * turn)) / 2.0);
    }

    Tensor encode_image(const Context& context, const Request& request, Noise& noise) const override {
        if (!encoder) return Model::encode_image(context, request, noise);
        check(static_cast<bool>(request.image), ErrorCode::Usage,
              "this cogvideox model needs an image of {} x {}: the first frame of the video", request.width,
              request.height);
        const double factor = vae.invert_scale_latents ? 1.0 / vae.scaling_factor : vae.scaling_factor;
        const Tensor sample = encoder->sample(context, first_picture(context, request), noise);
        return kernels::scale(context, sample, static_cast<float>(factor));
    }

    void bind_encoders(Components& components) override;
    void bind_transformer(Components& components) override;
    void bind_decoder(Components& components) override;
    FamilyDefaults published_defaults() const override;
};

/// Generation only decodes.
std::optional<std::string> decoder_name(const std::string& stored) {
    return stored.starts_with("encoder.") ? std::nullopt : std::optional(stored);
}

std::optional<std::string> encoder_name(const std::string& stored) {
    return stored.starts_with("decoder.") ? std::nullopt : std::optional(stored);
}

/// A table of sines may lie in the file where positions are computed.
std::optional<std::string> without_table(const std::string& stored) {
    return stored == "patch_embed.pos_embedding" ? std::nullopt : std::optional(stored);
}

}  // namespace

/// The reference masks nothing of the text: padding is part of what the model was trained on.
void CogVideoXModel::bind_encoders(Components& components) {
    text.reset();
    encoder.reset();
    text = std::make_unique<CogVideoXText>(
        open_prompt_encoder(components, kTextLength, config.text_embed_dim, Padding::Attended));
    if (!config.takes_image()) return;
    encoder = components.bind(
        "vae", [&](const Scope& scope) { return std::make_unique<CogVideoXEncoder>(scope, vae); }, encoder_name);
}

void CogVideoXModel::bind_transformer(Components& components) {
    transformer.reset();
    transformer = components.bind(
        "transformer", [&](const Scope& scope) { return std::make_unique<CogVideoXTransformer>(scope, config); },
        config.use_learned_positional_embeddings ? Components::as_stored : without_table);
}

void CogVideoXModel::bind_decoder(Components& components) {
    decoder.reset();
    decoder = components.bind(
        "vae", [&](const Scope& scope) { return std::make_unique<CogVideoXDecoder>(scope, vae); }, decoder_name);
}

/// Published: 720 x 480 and 49 frames at 8 a second; 1.5: 1360 x 768 and 81 at 16. PAB as VideoSys has it.
FamilyDefaults CogVideoXModel::published_defaults() const {
    const int64_t factor = vae.spatial_factor();
    FamilyDefaults result = {.width = config.sample_width * factor,
                             .height = config.sample_height * factor,
                             .num_frames = config.sample_frames,
                             .fps = "8",
                             .steps = 50,
                             .guidance_scale = 6.0,
                             .pab = {}};
    if (config.patch_size_t) {  // the files' sample size is the most that 1.5 knows positions for
        result.width = std::min<int64_t>(result.width, 1360);
        result.height = std::min<int64_t>(result.height, 768);
        result.fps = "16";
    }
    result.pab.spatial = {2, 100, 850};
    result.pab.keep = broadcast::Keep::Ungated;
    return result;
}

namespace {

/// Which of the two pipelines this is decides whether the transformer has channels for an image.
void check_pipeline(const Components& components, const Config& config) {
    const bool takes_image = components.index()["_class_name"] == kImagePipeline;
    check(takes_image == config.takes_image(), ErrorCode::BadInput,
          "{}: the pipeline {} an image, the transformer has {} channels in and {} out", components.index_file(),
          takes_image ? "takes" : "takes no", config.in_channels, config.out_channels);
}

void read_vae(const Components& components, CogVideoXModel& model) {
    const std::string file = components.config_file("vae");
    model.vae = CogVideoXVaeConfig::from_json(components.config("vae"), file);
    check(model.vae.latent_channels == model.config.out_channels, ErrorCode::BadInput,
          "{}: the VAE has {} latent channels, the transformer expects {}", file, model.vae.latent_channels,
          model.config.out_channels);
}

}  // namespace

std::unique_ptr<Model> read(const Components& components) {
    auto model = std::make_unique<CogVideoXModel>();
    components.expect_class("text_encoder", {"T5EncoderModel"});
    components.expect_class("tokenizer", {"T5Tokenizer", "T5TokenizerFast"});
    components.expect_class("vae", {"AutoencoderKLCogVideoX"});
    components.expect_class("transformer", {"CogVideoXTransformer3DModel"});
    model->config = Config::from_json(components.config("transformer"), components.config_file("transformer"));
    check_pipeline(components, model->config);
    read_vae(components, *model);
    model->frames_first = true;
    model->has_dynamic_guidance = true;
    read_scheduler(components, *model);
    return model;
}

}  // namespace kine::dit::cogvideox
