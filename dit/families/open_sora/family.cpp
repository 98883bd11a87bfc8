#include "dit/families/open_sora/family.h"

#include "dit/families/components.h"
#include "dit/families/open_sora/prompt.h"
#include "dit/families/open_sora/transformer.h"
#include "dit/vae/open_sora_vae.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"

#include <cmath>

namespace kine::dit::open_sora {

namespace {

constexpr int64_t kLargestSide = 16384;
constexpr int64_t kMostFrames = 100000;
constexpr const char* kNullCaption = "y_embedder.y_embedding";
constexpr double kUnshiftedArea = 512.0 * 512.0;  // pixels at which a picture's times are not shifted

/// The prompt's states, and the learned caption in place of a negative prompt's; both are cut by the prompt's mask.
class OpenSoraText final : public TextStage {
  public:
    OpenSoraText(PromptEncoder encode, Tensor null_caption)
        : encode_(std::move(encode)), null_caption_(std::move(null_caption)) {}

    int64_t working_bytes() const override { return encode_.working_bytes(); }

    Conditioning encode(const Context& context, const Request& request, bool) const override {
        Conditioning result;
        result.prompt = encode_(context, final_prompt(request.prompt, request.prompt_options));
        result.negative.states = null_caption_;
        result.mask = Tensor::of<uint8_t>(context, {1, null_caption_.dim(0)}, result.prompt.tokens.mask);
        const Tensor branches[] = {result.prompt.states.unsqueeze(0), null_caption_.unsqueeze(0)};
        result.states = kernels::concat(context, branches, 0);
        return result;
    }

  private:
    PromptEncoder encode_;
    Tensor null_caption_;
};

/// Larger and longer videos keep more of their structure under the same noise, so they spend more steps at high noise.
/// The reference counts whole groups of frames only.
double timestep_shift(const Request& request) {
    constexpr int64_t kGroupFrames = 17;
    constexpr int64_t kGroupLatents = 5;
    const double area = static_cast<double>(request.height) * static_cast<double>(request.width);
    const auto frames =
        static_cast<double>(request.num_frames == 1 ? 1 : request.num_frames / kGroupFrames * kGroupLatents);
    return std::sqrt(area / kUnshiftedArea) * std::sqrt(frames);
}

/// The published MLP steps are timesteps as the reference's bfloat16 has them; here they are those of this run.
std::vector<broadcast::MlpRule> in_this_run(const std::vector<broadcast::MlpRule>& published,
                                            const std::vector<double>& timesteps) {
    std::vector<broadcast::MlpRule> rules;
    for (const broadcast::MlpRule& rule : published) {
        for (const double t : timesteps) {
            const auto rounded = static_cast<float>(BFloat16(static_cast<float>(t)));
            if (static_cast<int64_t>(rounded) == rule.timestep) {
                rules.push_back({static_cast<int64_t>(t), rule.blocks, rule.skip});
            }
        }
    }
    return rules;
}

/// PAB as VideoSys publishes it for Open-Sora.
broadcast::PabOptions published_pab() {
    broadcast::PabOptions pab;
    pab.spatial = {2, 450, 930};
    pab.temporal = {4, 450, 930};
    pab.cross = {6, 450, 930};
    for (const int64_t t : {676, 788, 864}) pab.mlp_spatial.push_back({t, {0, 1, 2, 3, 4}, 2});
    pab.mlp_temporal = pab.mlp_spatial;
    pab.keep = broadcast::Keep::Gated;
    return pab;
}

struct OpenSoraModel final : Model {
    Config config;
    OpenSoraVaeConfig vae;

    void check_geometry(const Request& request) const override {
        const int64_t smallest = decoder->spatial_factor();
        for (const auto& [name, side] : {std::pair{"width", request.width}, std::pair{"height", request.height}}) {
            check(side >= smallest && side <= kLargestSide, ErrorCode::Usage, "{} {}: expected {} to {}", name, side,
                  smallest, kLargestSide);
        }
        const int64_t frames = request.num_frames;
        check(frames == 1 || (frames >= 17 && frames <= kMostFrames), ErrorCode::Usage,
              "num_frames {}: expected 1, or 17 to {}; the model knows no noise schedule for shorter videos", frames,
              kMostFrames);
    }

    /// Both branches always run, also where they weigh 1 and 0.
    bool is_guided(const Request&) const override { return true; }

    Tensor guide(const Context& context, const Tensor& prediction, const Request& request, double) const override {
        const auto velocity = [&](int64_t branch) {  // without the predicted variance
            return kernels::contiguous(context, prediction.select(0, branch).slice(0, 0, config.in_channels));
        };
        const Tensor null = velocity(1);
        const Tensor direction = kernels::combine(context, 1.0f, velocity(0), -1.0f, null);
        return kernels::combine(context, 1.0f, null, static_cast<float>(*request.guidance_scale), direction);
    }

    Json scheduler_for(const Request& request) const override {
        Json result = *scheduler;
        result["shift"] = timestep_shift(request);
        return result;
    }

    /// The reference truncates before it compares.
    broadcast::Schedule reuse_schedule(const std::vector<double>& timesteps) const override {
        broadcast::Schedule schedule;
        for (const double t : timesteps) schedule.timesteps.push_back(std::floor(static_cast<float>(t)));
        return schedule;
    }

    broadcast::PabOptions pab_for(const std::vector<double>& timesteps) const override {
        broadcast::PabOptions pab = defaults.pab;
        pab.mlp_spatial = in_this_run(pab.mlp_spatial, timesteps);
        pab.mlp_temporal = in_this_run(pab.mlp_temporal, timesteps);
        return pab;
    }

    void bind_encoders(Components& components) override;
    void bind_transformer(Components& components) override;
    void bind_decoder(Components& components) override;
    FamilyDefaults published_defaults() const override;
};

/// Generation only decodes.
std::optional<std::string> decoder_name(const std::string& stored) {
    if (stored.find(".encoder.") != std::string::npos || stored.find(".quant_conv.") != std::string::npos) return {};
    return stored;
}

/// Of the transformer, what the text stage needs.
std::optional<std::string> null_caption_name(const std::string& stored) {
    return stored == kNullCaption ? std::optional(stored) : std::nullopt;
}

}  // namespace

void OpenSoraModel::bind_encoders(Components& components) {
    text.reset();
    const Tensor null_caption = components.bind(
        "transformer",
        [&](const Scope& scope) {
            return scope.bind(kNullCaption, {config.model_max_length, config.caption_channels});
        },
        null_caption_name);
    text = std::make_unique<OpenSoraText>(
        open_prompt_encoder(components, config.model_max_length, config.caption_channels), null_caption);
}

void OpenSoraModel::bind_transformer(Components& components) {
    transformer.reset();
    transformer =
        components.bind("transformer", [&](const Scope& scope) { return std::make_unique<Stdit3>(scope, config); });
}

void OpenSoraModel::bind_decoder(Components& components) {
    decoder.reset();
    decoder = components.bind(
        "vae", [&](const Scope& scope) { return std::make_unique<OpenSoraVaeDecoder>(scope, vae); }, decoder_name);
}

FamilyDefaults OpenSoraModel::published_defaults() const {
    return {.width = 854,
            .height = 480,
            .num_frames = 51,
            .fps = "24",
            .steps = 30,
            .guidance_scale = 7.0,
            .pab = published_pab()};
}

std::unique_ptr<Model> read(const Components& components) {
    auto model = std::make_unique<OpenSoraModel>();
    model->has_prompt_options = true;
    model->has_negative_prompt = false;
    model->config = Config::from_json(components.config("transformer"), components.config_file("transformer"));
    read_scheduler(components, *model);
    model->vae = OpenSoraVaeConfig::from_json(components.config("vae"), components.config_file("vae"));
    check(model->vae.temporal.embed_dim == model->config.in_channels, ErrorCode::BadInput,
          "{}: the VAE has {} latent channels, the transformer expects {}", components.config_file("vae"),
          model->vae.temporal.embed_dim, model->config.in_channels);
    return model;
}

}  // namespace kine::dit::open_sora
