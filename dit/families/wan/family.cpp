#include "dit/families/wan/family.h"

#include "dit/families/components.h"
#include "dit/families/first_picture.h"
#include "dit/families/wan/text.h"
#include "dit/families/wan/transformer.h"
#include "dit/sampling/guidance.h"
#include "dit/vae/autoencoder_wan.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"

#include <algorithm>

namespace kine::dit::wan {

namespace {

constexpr int64_t kLargestSide = 16384;
constexpr int64_t kPixelStep = 16;  // the pipeline refuses other sizes, whatever the VAE's factor
constexpr int64_t kFrameStep = 4;

struct WanModel final : Model {
    Config config;
    PipelineConfig pipeline;
    WanVaeConfig vae;
    ExpertBoundary boundary;
    WanTransformer* experts = nullptr;  ///< the transformer
    std::unique_ptr<AutoencoderWanEncoder> encoder;

    int64_t side_step() const { return decoder->spatial_factor() * config.patch_size; }

    void check_geometry(const Request& request) const override {
        check_side("width", request.width);
        check_side("height", request.height);
        const int64_t frames = decoder->latent_frames_of(fitted_frames(request.num_frames));
        check(request.num_frames >= 1 && frames <= config.rope_max_seq_len, ErrorCode::Usage,
              "num_frames {}: expected 1 to {}", request.num_frames, decoder->frames_of(config.rope_max_seq_len));
    }

    void check_side(std::string_view name, int64_t side) const {
        const int64_t most = std::min(kLargestSide, side_step() * config.rope_max_seq_len);
        check(side >= side_step() && side % kPixelStep == 0 && side <= most, ErrorCode::Usage,
              "{} {}: expected a multiple of {} from {} to {}", name, side, kPixelStep, side_step(), most);
    }

    static int64_t fitted_frames(int64_t frames) {
        return frames % kFrameStep == 1 ? frames : frames / kFrameStep * kFrameStep + 1;
    }

    void fit_geometry(Request& request) const override {
        request.width = request.width / side_step() * side_step();
        request.height = request.height / side_step() * side_step();
        request.num_frames = fitted_frames(request.num_frames);
    }

    bool is_guided(const Request& request) const override { return *request.guidance_scale > 1.0; }
    bool is_second_expert(double timestep) const { return boundary.expert_at(timestep) == 1; }
    Stage stage_at(double timestep) const override {
        return is_second_expert(timestep) ? Stage::Refine : Stage::Denoise;
    }

    Tensor guide(const Context& context, const Tensor& prediction, const Request& request,
                 double timestep) const override {
        if (!is_guided(request)) return prediction.select(0, 0);
        const double scale = is_second_expert(timestep) ? request.guidance_scale_2.value_or(*request.guidance_scale)
                                                        : *request.guidance_scale;
        return classifier_free_guidance(context, prediction, scale);
    }

    /// Noise levels fall, so the second expert takes over once.
    broadcast::Schedule reuse_schedule(const std::vector<double>& timesteps) const override {
        const auto second = std::ranges::find_if(timesteps, [&](double t) { return is_second_expert(t); });
        if (second == timesteps.end() || second == timesteps.begin()) return {timesteps};
        return {timesteps, {static_cast<int>(second - timesteps.begin())}};
    }

    Tensor encode_image(const Context& context, const Request& request, Noise&) const override {
        if (!request.image) return {};
        check(encoder != nullptr, ErrorCode::Usage,
              "this wan model takes no image: its first frame is as noisy as the others");
        return encoder->encode(context, first_picture(context, request));
    }

    /// The sampler stepped the first frame too; what counts is the given one.
    Tensor to_decode(const Context& context, const Request&, const Conditioning& conditioning,
                     const Tensor& latents) const override {
        if (!conditioning.first_latents) return latents;
        const Tensor parts[] = {conditioning.first_latents, latents.slice(1, 1, latents.dim(1))};
        return kernels::concat(context, parts, 1);
    }

    void bind_encoders(Components& components) override;
    void bind_transformer(Components& components) override;
    void bind_second_expert(Components& components) override;
    void bind_expert(Components& components, size_t which, const std::string& part);
    void bind_decoder(Components& components) override;
    FamilyDefaults published_defaults() const override;
};

/// Generation only decodes, and an image is encoded as one frame, which the convolutions in time never see.
std::optional<std::string> decoder_name(const std::string& stored) {
    if (stored.starts_with("encoder.") || stored.starts_with("quant_conv.")) return std::nullopt;
    return stored;
}

std::optional<std::string> encoder_name(const std::string& stored) {
    const bool is_in_time = stored.starts_with("encoder.") && stored.find("time_conv") != std::string::npos;
    if (stored.starts_with("decoder.") || stored.starts_with("post_quant_conv.") || is_in_time) return std::nullopt;
    return stored;
}

}  // namespace

void WanModel::bind_encoders(Components& components) {
    text.reset();
    encoder.reset();
    text = std::make_unique<WanText>(open_prompt_encoder(components, kTextLength, config.text_dim));
    if (!pipeline.expand_timesteps) return;
    encoder = components.bind(
        "vae", [&](const Scope& scope) { return std::make_unique<AutoencoderWanEncoder>(scope, vae); }, encoder_name);
}

void WanModel::bind_transformer(Components& components) {
    if (!transformer) {
        auto all = std::make_unique<WanTransformer>(boundary, config, components.dtype());
        experts = all.get();
        transformer = std::move(all);
    }
    bind_expert(components, 0, "transformer");
}

void WanModel::bind_second_expert(Components& components) {
    if (pipeline.has_second_expert) bind_expert(components, 1, "transformer_2");
}

/// What was bound before is freed first: two of one expert need not fit.
void WanModel::bind_expert(Components& components, size_t which, const std::string& part) {
    experts->set_expert(which, std::nullopt);
    experts->set_expert(which, components.bind(part, [&](const Scope& scope) { return Expert(scope, config); }));
}

void WanModel::bind_decoder(Components& components) {
    decoder.reset();
    decoder = components.bind(
        "vae", [&](const Scope& scope) { return std::make_unique<AutoencoderWanDecoder>(scope, vae); }, decoder_name);
}

/// Published defaults: 2.1 at 480p, A14B at 720p, TI2V at 704p with 24 frames a second. PAB has no published settings
/// for Wan: windows and ranges are those of the other families with joint attention.
FamilyDefaults WanModel::published_defaults() const {
    FamilyDefaults result = {
        .width = 832, .height = 480, .num_frames = 81, .fps = "16", .steps = 50, .guidance_scale = 5.0, .pab = {}};
    if (pipeline.expand_timesteps) {
        result.width = 1280;
        result.height = 704;
        result.num_frames = 121;
        result.fps = "24";
    }
    if (pipeline.has_second_expert) {
        result.width = 1280;
        result.height = 720;
        result.steps = 40;
        result.guidance_scale = 4.0;
        result.guidance_scale_2 = 3.0;
    }
    result.pab.keep = broadcast::Keep::Ungated;
    return result;
}

namespace {

void read_transformers(const Components& components, WanModel& model) {
    const auto read_one = [&](const std::string& name) {
        return Config::from_json(components.config(name), components.config_file(name));
    };
    model.config = read_one("transformer");
    if (!model.pipeline.has_second_expert) return;
    check(read_one("transformer_2") == model.config, ErrorCode::BadInput,
          "{}: differs in shape from transformer/config.json", components.config_file("transformer_2"));
}

void read_vae(const Components& components, WanModel& model) {
    model.vae = WanVaeConfig::from_json(components.config("vae"), components.config_file("vae"));
    check(model.vae.z_dim == model.config.in_channels, ErrorCode::BadInput,
          "{}: the VAE has {} latent channels, the transformer expects {}", components.config_file("vae"),
          model.vae.z_dim, model.config.in_channels);
}

}  // namespace

std::unique_ptr<Model> read(const Components& components) {
    auto model = std::make_unique<WanModel>();
    model->pipeline = PipelineConfig::from_json(components.index(), components.index_file());
    components.expect_class("text_encoder", {"UMT5EncoderModel"});
    components.expect_class("vae", {"AutoencoderKLWan"});
    components.expect_class("transformer", {"WanTransformer3DModel"});
    model->has_second_guidance = model->pipeline.has_second_expert;
    read_transformers(components, *model);
    read_vae(components, *model);
    read_scheduler(components, *model);
    const auto trained = model->scheduler->find("num_train_timesteps");
    const bool says_steps = trained != model->scheduler->end() && trained->is_number();
    const double training_steps = says_steps ? trained->get<double>() : 1000.0;
    model->boundary = {model->pipeline.boundary_ratio.value_or(0.0) * training_steps};
    return model;
}

}  // namespace kine::dit::wan
