#include "dit/families/latte/family.h"

#include "dit/families/components.h"
#include "dit/families/latte/transformer.h"
#include "dit/sampling/guidance.h"
#include "dit/vae/autoencoder_kl.h"
#include "kernels/move/move.h"

namespace kine::dit::latte {

namespace {

constexpr int64_t kTextLength = 120;
constexpr int64_t kLargestSide = 16384;
constexpr int64_t kPixelStep = 8;  // the pipeline refuses other sizes, whatever the VAE's factor

/// The prompt's states, cut to its own tokens; the negative's are cut to the same length, padding or not.
class LatteText final : public TextStage {
  public:
    explicit LatteText(PromptEncoder encode) : encode_(std::move(encode)) {}

    int64_t working_bytes() const override { return encode_.working_bytes(); }

    /// Both branches are cut to the prompt's own tokens.
    Conditioning encode(const Context& context, const Request& request, bool guided) const override {
        Conditioning result;
        result.prompt = encode_(context, lower_and_strip(request.prompt));
        const auto kept = [&](const EncodedText& text) {
            return text.states.slice(0, 0, result.prompt.tokens.length).unsqueeze(0);  // [1, L, D]
        };
        if (!guided) {
            result.states = kernels::contiguous(context, kept(result.prompt));
            return result;
        }
        result.negative = encode_(context, lower_and_strip(request.negative_prompt));
        const Tensor branches[] = {kept(result.negative), kept(result.prompt)};
        result.states = kernels::concat(context, branches, 0);  // [2, L, D]
        return result;
    }

  private:
    PromptEncoder encode_;
};

struct LatteModel final : Model {
    Config config;
    AutoencoderKlConfig vae;

    void check_geometry(const Request& request) const override {
        const int64_t unit = std::max(kPixelStep, decoder->spatial_factor() * config.patch_size);
        const auto check_side = [&](std::string_view name, int64_t side) {
            check(side > 0 && side % unit == 0 && side <= kLargestSide, ErrorCode::Usage,
                  "{} {}: expected a positive multiple of {}, at most {}", name, side, unit, kLargestSide);
        };
        check_side("width", request.width);
        check_side("height", request.height);
        check(request.num_frames >= 1 && request.num_frames <= config.video_length, ErrorCode::Usage,
              "num_frames {}: expected 1 to {}, the length of the model's temporal position table", request.num_frames,
              config.video_length);
    }

    bool is_guided(const Request& request) const override { return *request.guidance_scale > 1.0; }

    Tensor guide(const Context& context, const Tensor& prediction, const Request& request, double) const override {
        const Tensor guided = is_guided(request)
                                  ? classifier_free_guidance(context, prediction, *request.guidance_scale)
                                  : prediction.select(0, 0);
        // The second half of the channels is the learned variance, which none of our samplers asks for.
        const bool has_variance = config.out_channels == 2 * config.in_channels;
        return has_variance ? kernels::contiguous(context, guided.slice(0, 0, config.in_channels)) : guided;
    }

    void bind_encoders(Components& components) override;
    void bind_transformer(Components& components) override;
    void bind_decoder(Components& components) override;
    FamilyDefaults published_defaults() const override;
};

/// Generation only decodes.
std::optional<std::string> decoder_name(const std::string& stored) {
    if (stored.starts_with("encoder.") || stored.starts_with("quant_conv.")) return std::nullopt;
    return stored;
}

/// Latte's published PAB settings, gated as VideoSys keeps outputs; `keep=ungated` asks for diffusers' way.
broadcast::PabOptions published_pab() {
    broadcast::PabOptions pab;
    pab.spatial = {2, 100, 800};
    pab.temporal = {3, 100, 800};
    pab.cross = {6, 100, 800};
    for (const int64_t t : {720, 640, 560, 480, 400}) pab.mlp_spatial.push_back({t, {0, 1, 2, 3, 4}, 2});
    pab.mlp_temporal = pab.mlp_spatial;
    pab.keep = broadcast::Keep::Gated;
    return pab;
}

}  // namespace

void LatteModel::bind_encoders(Components& components) {
    text.reset();
    text = std::make_unique<LatteText>(open_prompt_encoder(components, kTextLength, config.caption_channels));
}

void LatteModel::bind_transformer(Components& components) {
    transformer.reset();
    transformer = components.bind(
        "transformer", [&](const Scope& scope) { return std::make_unique<LatteTransformer>(scope, config); });
}

void LatteModel::bind_decoder(Components& components) {
    decoder.reset();
    decoder = components.bind(
        "vae", [&](const Scope& scope) { return std::make_unique<AutoencoderKlDecoder>(scope, vae); }, decoder_name);
}

FamilyDefaults LatteModel::published_defaults() const {
    const int64_t side = config.sample_size * decoder->spatial_factor();
    return {.width = side,
            .height = side,
            .num_frames = config.video_length,
            .fps = "8",
            .steps = 50,
            .guidance_scale = 7.5,
            .pab = published_pab()};
}

std::unique_ptr<Model> read(const Components& components) {
    auto model = std::make_unique<LatteModel>();
    components.expect_class("transformer", {"LatteTransformer3DModel", "LatteT2V"});
    components.expect_class("text_encoder", {"T5EncoderModel"});
    components.expect_class("tokenizer", {"T5Tokenizer", "T5TokenizerFast"});
    components.expect_class("vae", {"AutoencoderKL"});
    model->config = Config::from_json(components.config("transformer"), components.config_file("transformer"));
    read_scheduler(components, *model);
    text_of(*model->scheduler, "variance_type", model->scheduler_file);  // not needed, but a wrong type is a wrong file
    model->vae = AutoencoderKlConfig::from_json(components.config("vae"), components.config_file("vae"));
    check(model->vae.latent_channels == model->config.in_channels, ErrorCode::BadInput,
          "{}: the VAE has {} latent channels, the transformer expects {}", components.config_file("vae"),
          model->vae.latent_channels, model->config.in_channels);
    return model;
}

}  // namespace kine::dit::latte
