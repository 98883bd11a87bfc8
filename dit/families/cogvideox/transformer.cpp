#include "dit/families/cogvideox/transformer.h"

#include "dit/families/joint_cost.h"
#include "dit/modules/resident.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"

namespace kine::dit::cogvideox {

namespace {

using broadcast::SiteKind;

constexpr int64_t kMlpFactor = 4;
constexpr double kOffset = 2.0;  // what the second clock always shows

struct CogVideoXPrepared final : Prepared {
    Tensor text;                  ///< [B, 1, L, D]
    Positions positions;          ///< of the whole video
    std::vector<Moment> moments;  ///< of each step: modulation [B, E], after SiLU
    Tensor condition;             ///< [C, T, Y, X] latents of an image and nothing behind it; empty: none
};

kernels::NormWeights bind_norm(const Scope& scope, const Config& config) {
    const Scope exact = scope.as(DType::Float32);
    return {exact.bind("weight", {config.channels()}), exact.bind("bias", {config.channels()}),
            static_cast<float>(config.norm_eps)};
}

AttentionShape attention_shape(const Config& config) {
    return {
        .heads = config.num_attention_heads, .head_size = config.attention_head_dim, .has_bias = config.attention_bias};
}

/// An image's latents [C, 1, Y, X] where the video has its first frame.
Tensor first_of(const Context& context, const Tensor& first, const Shape& latents) {
    Tensor result = Tensor::zeros(context, {first.dim(0), latents[1], latents[2], latents[3]}, DType::Float32);
    Tensor place = result.slice(1, 0, 1);
    kernels::copy_into(context, first, place);
    return result;
}

/// The condition's channels behind those of every branch.
Tensor with_condition(const Context& context, const Tensor& latents, const Tensor& condition) {
    const std::vector<Tensor> copies(static_cast<size_t>(latents.dim(0)), condition.unsqueeze(0));
    const Tensor parts[] = {latents, kernels::concat(context, copies, 0)};
    return kernels::concat(context, parts, 1);
}

/// x [B, T, S, D] + this rank's part of table [T, S, D].
Tensor with_positions(const StepContext& step, const Tensor& x, const Tensor& table) {
    if (!table || x.elements() == 0) return x;
    const Tensor own = resident_grid(step, table);
    const Tensor row = x.reshape({x.dim(0), 1, x.dim(1) * x.dim(2), x.dim(3)});
    return kernels::add_table(step.context, row, own.reshape({row.dim(2), row.dim(3)})).reshape(x.shape());
}

}  // namespace

StreamNorm::StreamNorm(const Scope& scope, const Config& config)
    : channels_(config.channels()),
      linear_((scope / "linear").quantized(Quantization::None), config.time_embed_dim, 6 * config.channels()),
      norm_(bind_norm(scope / "norm", config)) {}

StreamNorm::Modulation StreamNorm::operator()(const Context& context, const Tensor& time) const {
    const Tensor rows = linear_(context, time);  // [B, 6 D]
    const auto part = [&](int64_t index) { return rows.slice(1, index * channels_, (index + 1) * channels_); };
    const auto norm = [&](int64_t index) {
        return kernels::RowNorm{norm_.weight, norm_.bias, part(index), part(index + 1), norm_.eps};
    };
    return {{norm(0), norm(3)}, {part(2), part(5)}};
}

Block::Block(const Scope& scope, const Config& config, int index)
    : joint_{SiteKind::JointAttention, index},
      mlp_{SiteKind::SpatialMlp, index},
      norm1_(scope / "norm1", config),
      attention_(scope / "attn1", attention_shape(config)),
      norm2_(scope / "norm2", config),
      feed_forward_(scope / "ff", config.channels(), kMlpFactor * config.channels()) {}

ResidualStreams Block::operator()(const StepContext& step, ResidualStreams x, const Tensor& time,
                                  const Tensor& turns) const {
    const Context& context = step.context;
    const StreamNorm::Modulation attention = norm1_(context, time);
    x = residual_at(
        step, joint_, std::move(x), attention.norms, [&](const TokenStreams& h) { return attention_(step, h, turns); },
        attention.gates);
    const StreamNorm::Modulation mlp = norm2_(context, time);
    return residual_at(
        step, mlp_, std::move(x), mlp.norms,
        [&](const TokenStreams& h) { return feed_forward_(context, packed(context, h)); }, mlp.gates);
}

Clock::Clock(const Scope& scope, const Config& config)
    : dtype_(scope.dtype()),
      time_(scope / "time_embedding.linear_1", scope / "time_embedding.linear_2", config.time_embed_dim,
            config.channels()) {
    if (!config.ofs_embed_dim) return;
    offset_.emplace(scope / "ofs_embedding.linear_1", scope / "ofs_embedding.linear_2", config.time_embed_dim,
                    *config.ofs_embed_dim);
}

std::vector<Tensor> Clock::operator()(const Context& context, std::span<const double> timesteps,
                                      int64_t branches) const {
    const Tensor embedded = time_(context, timesteps);  // [steps, E]
    const Tensor offset = offset_ ? (*offset_)(context, std::span(&kOffset, 1)) : Tensor();
    std::vector<Tensor> of_steps;
    for (int64_t step = 0; step < embedded.dim(0); ++step) {
        Tensor row = embedded.slice(0, step, step + 1);
        if (offset) row = kernels::add(context, row, offset);
        row = kernels::cast(context, kernels::activate(context, row, kernels::Activation::Silu), dtype_);
        of_steps.push_back(kernels::concat(context, std::vector<Tensor>(static_cast<size_t>(branches), row), 0));
    }
    return of_steps;
}

CogVideoXTransformer::CogVideoXTransformer(const Scope& scope, const Config& config)
    : config_(config),
      dtype_(scope.dtype()),
      clock_(scope, config),
      patches_(scope, config),
      text_(scope / "patch_embed.text_proj", config.text_embed_dim, config.channels()),
      positions_(scope, config),
      final_norm_(bind_norm(scope / "norm_final", config)),
      out_norm_(bind_norm(scope / "norm_out.norm", config)),
      out_modulation_(scope / "norm_out.linear", config.time_embed_dim, 2 * config.channels()) {
    for (int i = 0; i < config.num_layers; ++i)
        blocks_.emplace_back((scope / "transformer_blocks" / i).of_block(), config, i);
}

Shape CogVideoXTransformer::token_shape(const Shape& latents, int64_t branches) const {
    const int64_t patches = (latents[2] / config_.patch_size) * (latents[3] / config_.patch_size);
    return {branches, latents[1] / config_.patch_frames(), patches, config_.channels()};
}

TransformerCost CogVideoXTransformer::cost(const Shape& latents, int64_t branches) const {
    return joint_cost({.tokens = token_shape(latents, branches),
                       .text_tokens = kTextLength,
                       .heads = config_.num_attention_heads,
                       .blocks = config_.num_layers,
                       .element_bytes = size_of(dtype_),
                       .patch_pixels = config_.patch_frames() * config_.patch_size * config_.patch_size,
                       .input_channels = config_.in_channels,
                       .output_channels = config_.out_channels,
                       .mlp_ratio = kMlpFactor});
}

std::unique_ptr<Prepared> CogVideoXTransformer::prepare(const Context& context, const Conditioning& conditioning,
                                                        const VideoSize& size,
                                                        std::span<const double> timesteps) const {
    auto prepared = std::make_unique<CogVideoXPrepared>();
    prepared->positions = positions_(context, size.latents);
    prepared->text = text_(context, conditioning.states).unsqueeze(1);
    if (prepared->positions.text)
        prepared->text = kernels::add_table(context, std::move(prepared->text), prepared->positions.text);
    for (Tensor& time : clock_(context, timesteps, conditioning.states.dim(0)))
        prepared->moments.push_back({std::move(time), {}});
    if (config_.takes_image()) prepared->condition = first_of(context, conditioning.first_latents, size.latents);
    return prepared;
}

Moment CogVideoXTransformer::moment(const StepContext& step, const Prepared& prepared) const {
    return static_cast<const CogVideoXPrepared&>(prepared).moments[static_cast<size_t>(step.index)];
}

Tensor CogVideoXTransformer::predict(const StepContext& step, const Prepared& any, const Moment& moment,
                                     const Tensor& latents) const {
    const auto& prepared = static_cast<const CogVideoXPrepared&>(any);
    const Context& context = step.context;
    const Tensor seen = prepared.condition ? with_condition(context, latents, prepared.condition) : latents;
    const Tensor video = patches_.embed(context, to_resident(step, patches_.cut(context, seen)));
    const Tensor& grid = prepared.positions.turns;
    const Tensor turns = grid ? projected_grid(step, grid) : Tensor();
    ResidualStreams x = {Residual(with_positions(step, video, prepared.positions.video)), Residual(prepared.text)};
    for (const Block& block : blocks_) x = block(step, std::move(x), moment.modulation, turns);
    return project_out(step, moment.modulation, std::move(x.video), latents.shape());
}

/// Text ends with the last block. Two norms in a row, only the second modulated.
Tensor CogVideoXTransformer::project_out(const StepContext& step, const Tensor& time, Residual x,
                                         const Shape& latents) const {
    const Context& context = step.context;
    const int64_t width = config_.channels();
    const Tensor rows = out_modulation_(context, time);  // [B, 2 D]: shift, scale
    const Tensor normed = x.normed(context, {final_norm_.weight, final_norm_.bias, {}, {}, final_norm_.eps});
    const Tensor modulated = kernels::layer_norm_modulate(context, normed, out_norm_, rows.slice(1, 0, width),
                                                          rows.slice(1, width, 2 * width));
    const Tensor patches = to_whole(step, patches_.project(context, modulated));
    return patches_.join(context, patches, latents[3] / config_.patch_size);
}

}  // namespace kine::dit::cogvideox
