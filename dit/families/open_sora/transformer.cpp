#include "dit/families/open_sora/transformer.h"

#include "dit/families/factored_cost.h"
#include "dit/modules/attention_site.h"
#include "dit/modules/position_table.h"
#include "dit/modules/resident.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/norm/norm.h"
#include "kernels/patch/patch.h"
#include "runtime/tensor/transfer.h"

#include <cmath>

namespace kine::dit::open_sora {

namespace {

using broadcast::SiteKind;

constexpr float kEpsilon = 1e-6f;
constexpr double kFrameRate = 24.0;
constexpr double kPictureFrameRate = 120.0;  // what the model was told of still pictures

/// Everything that the prompt, the size and the schedule decide.
struct Stdit3Prepared final : Prepared {
    std::vector<Tensor> spatial_text;   // of each block: keys and values [B, L, 2C]
    std::vector<Tensor> temporal_text;  // likewise
    std::vector<Moment> moments;        // of each step: modulation [B, 6, C], embedded [B, C]
    Tensor patch_positions;             // [S, C]
    Tensor turns;                       // [T, 1, D]
};

BlockSites spatial_sites(int index) {
    return {
        {SiteKind::SpatialAttention, index}, {SiteKind::SpatialCrossAttention, index}, {SiteKind::SpatialMlp, index}};
}

BlockSites temporal_sites(int index) {
    return {{SiteKind::TemporalAttention, index},
            {SiteKind::TemporalCrossAttention, index},
            {SiteKind::TemporalMlp, index}};
}

AttentionShape attention_shape(const Config& config) { return {config.num_heads, config.head_size(), true}; }

SelfAttentionLayers bind_attention(const Scope& scope, const Config& config) {
    const int64_t channels = config.hidden_size;
    SelfAttentionLayers layers = {
        .qkv = {scope / "qkv", channels, 3 * channels}, .out = {scope / "proj", channels, channels}, .norm = {}};
    if (config.qk_norm) {
        const Scope exact = scope.as(DType::Float32);
        layers.norm = {.query_weight = (exact / "q_norm").bind("weight", {config.head_size()}),
                       .key_weight = (exact / "k_norm").bind("weight", {config.head_size()}),
                       .query_bias = {},
                       .key_bias = {},
                       .eps = kEpsilon};
    }
    return layers;
}

CrossAttentionLayers bind_cross_attention(const Scope& scope, int64_t channels) {
    return {.query = {scope / "q_linear", channels, channels},
            .key_value = {scope / "kv_linear", channels, 2 * channels},
            .out = {scope / "proj", channels, channels}};
}

Linear bind_patch(const Scope& scope, const Config& config) {
    const int64_t p = config.patch();
    const Tensor weight = scope.bind("weight", {config.hidden_size, config.in_channels, 1, p, p});
    return {scope.context(), weight.reshape({config.hidden_size, config.in_channels * p * p}),
            scope.bind("bias", {config.hidden_size})};
}

int64_t in_patches(int64_t latent_side, int64_t patch) { return (latent_side + patch - 1) / patch; }

/// Zeros below and on the right, up to a multiple of the patch. x [B, C, T, Y, X].
Tensor pad_to_patches(const Context& context, const Tensor& x, int64_t patch) {
    Shape padded = x.shape();
    padded.set(3, in_patches(x.dim(3), patch) * patch);
    padded.set(4, in_patches(x.dim(4), patch) * patch);
    if (padded == x.shape()) return x;
    Tensor result = Tensor::zeros(context, padded, x.dtype());
    Tensor place = result.slice(3, 0, x.dim(3)).slice(4, 0, x.dim(4));
    kernels::copy_into(context, x, place);
    return result;
}

/// The rows of states [B, L, D] that the mask [1 or B, L] keeps, which are the prompt's in every branch.
Tensor kept_rows(const Context& context, const Tensor& states, const Tensor& mask) {
    if (!mask) return states;
    check(mask.rank() == 2 && mask.dim(-1) == states.dim(1), ErrorCode::Bug,
          "caption mask has shape {}, expected [1, {}]", to_string(mask.shape()), states.dim(1));
    const Tensor flags = to_host(context, mask);
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < mask.dim(-1); ++i) {
        if (flags.data<uint8_t>()[i] != 0) rows.push_back(i);
    }
    const Tensor ids = Tensor::of<int64_t>(context.host(), {static_cast<int64_t>(rows.size())}, rows);
    std::vector<Tensor> branches;
    for (int64_t branch = 0; branch < states.dim(0); ++branch) {
        branches.push_back(kernels::gather_rows(context, states.select(0, branch), ids).unsqueeze(0));
    }
    return kernels::concat(context, branches, 0);
}

/// cos and sin of frame x frequency, in float32 like the reference's angles. Frames are counted in latents.
Tensor frame_turns(const Context& context, const Tensor& frequencies, int64_t frames) {
    const Tensor known = to_host(context, frequencies);
    const int64_t pairs = known.dim(0);
    std::vector<float> turns;
    for (int64_t frame = 0; frame < frames; ++frame) {
        for (int64_t k = 0; k < pairs; ++k) {
            const float angle = static_cast<float>(frame) * known.data<float>()[k];
            turns.push_back(std::cos(angle));
            turns.push_back(std::sin(angle));
        }
    }
    return Tensor::of<float>(context, {frames, 1, 2 * pairs}, turns);
}

/// Positions are counted in patches of a square picture as large as the one asked for, padding not included.
PatchGrid patch_grid(const Config& config, const VideoSize& size) {
    const int64_t rows = in_patches(size.latents[2], config.patch());
    const int64_t columns = in_patches(size.latents[3], config.patch());
    const double side = std::sqrt(static_cast<double>(size.height) * static_cast<double>(size.width));
    const double base = std::nearbyint(std::sqrt(static_cast<double>(rows * columns)));
    return {.rows = rows,
            .columns = columns,
            .base = static_cast<int64_t>(base),
            .interpolation = side / static_cast<double>(config.input_sq_size)};
}

}  // namespace

Block::Block(const Scope& scope, const Config& config, AttendedAxis axis, const BlockSites& sites)
    : sites_(sites),
      table_(scope.as(DType::Float32).bind("scale_shift_table", {6, config.hidden_size})),
      attention_(bind_attention(scope / "attn", config), attention_shape(config), axis),
      cross_attention_(bind_cross_attention(scope / "cross_attn", config.hidden_size), attention_shape(config)),
      feed_forward_({scope / "mlp.fc1", config.hidden_size, config.mlp_channels()},
                    {scope / "mlp.fc2", config.mlp_channels(), config.hidden_size}) {}

Residual Block::operator()(const StepContext& step, Residual x, const Tensor& text, const Tensor& time,
                           const Tensor& turns) const {
    const Context& context = step.context;
    const auto [attention, mlp] = block_modulation(context, table_, time);
    x = residual_at(
        step, sites_.self, std::move(x), attention.norm(kEpsilon),
        [&](const Tensor& h) { return attention_(step, h, turns); }, attention.gate);
    x = residual_at(step, sites_.cross, std::move(x),
                    [&](const Tensor& h) { return cross_attention_(context, h, text); });
    return residual_at(
        step, sites_.mlp, std::move(x), mlp.norm(kEpsilon), [&](const Tensor& h) { return feed_forward_(context, h); },
        mlp.gate);
}

Stdit3::Stdit3(const Scope& scope, const Config& config)
    : config_(config),
      dtype_(scope.dtype()),
      patch_(bind_patch(scope / "x_embedder.proj", config)),
      time_(scope / "t_embedder.mlp.0", scope / "t_embedder.mlp.2", config.hidden_size),
      frame_rate_(scope / "fps_embedder.mlp.0", scope / "fps_embedder.mlp.2", config.hidden_size),
      modulation_(scope.as(DType::Float32) / "t_block.1", config.hidden_size, 6 * config.hidden_size),
      null_caption_(scope.bind("y_embedder.y_embedding", {config.model_max_length, config.caption_channels})),
      caption_in_(scope / "y_embedder.y_proj.fc1", config.caption_channels, config.hidden_size),
      caption_out_(scope / "y_embedder.y_proj.fc2", config.hidden_size, config.hidden_size),
      frequencies_(scope.as(DType::Float32).bind("rope.freqs", {config.head_size() / 2})),
      final_table_((scope.as(DType::Float32) / "final_layer").bind("scale_shift_table", {2, config.hidden_size})),
      out_(scope / "final_layer.linear", config.hidden_size, config.patch() * config.patch() * config.out_channels()) {
    for (int i = 0; i < config.depth; ++i) {
        spatial_.emplace_back((scope / "spatial_blocks" / i).of_block(), config, AttendedAxis::Patches,
                              spatial_sites(i));
        temporal_.emplace_back((scope / "temporal_blocks" / i).of_block(), config, AttendedAxis::Frames,
                               temporal_sites(i));
    }
}

Shape Stdit3::token_shape(const Shape& latents, int64_t branches) const {
    const int64_t patches = in_patches(latents[2], config_.patch()) * in_patches(latents[3], config_.patch());
    return {branches, latents[1], patches, config_.hidden_size};
}

TransformerCost Stdit3::cost(const Shape& latents, int64_t branches) const {
    return factored_cost({.tokens = token_shape(latents, branches),
                          .heads = config_.num_heads,
                          .pairs = config_.depth,
                          .element_bytes = size_of(dtype_),
                          .patch_area = config_.patch() * config_.patch(),
                          .input_channels = config_.in_channels,
                          .output_channels = config_.out_channels(),
                          .mlp_ratio = config_.mlp_ratio,
                          .cross_in_temporal = true});
}

Tensor Stdit3::project_text(const Context& context, const Conditioning& conditioning) const {
    const Tensor states = kept_rows(context, conditioning.states, conditioning.mask);
    return caption_out_(context, caption_in_(context, states, kernels::Activation::GeluTanh));
}

std::unique_ptr<Prepared> Stdit3::prepare(const Context& context, const Conditioning& conditioning,
                                          const VideoSize& size, std::span<const double> timesteps) const {
    auto prepared = std::make_unique<Stdit3Prepared>();
    const Tensor text = project_text(context, conditioning);
    for (const Block& block : spatial_) prepared->spatial_text.push_back(block.text_keys_and_values(context, text));
    for (const Block& block : temporal_) prepared->temporal_text.push_back(block.text_keys_and_values(context, text));
    const auto batch = static_cast<size_t>(text.dim(0));
    const int64_t frames = size.latents[1];
    const std::vector<double> rates(batch, frames == 1 ? kPictureFrameRate : kFrameRate);
    const Tensor rate = frame_rate_(context, rates);
    for (const double t : timesteps) {
        const Tensor embedded = kernels::add(context, time_(context, std::vector<double>(batch, t)), rate);
        const Tensor projected = modulation_(context, kernels::activate(context, embedded, kernels::Activation::Silu));
        prepared->moments.push_back({projected.reshape({text.dim(0), 6, config_.hidden_size}), embedded});
    }
    const Tensor positions = patch_position_table(context, patch_grid(config_, size), config_.hidden_size);
    prepared->patch_positions = kernels::cast(context, positions, dtype_);
    prepared->turns = frame_turns(context, frequencies_, frames);
    return prepared;
}

Moment Stdit3::moment(const StepContext& step, const Prepared& prepared) const {
    return static_cast<const Stdit3Prepared&>(prepared).moments[static_cast<size_t>(step.index)];
}

Tensor Stdit3::predict(const StepContext& step, const Prepared& any, const Moment& moment,
                       const Tensor& latents) const {
    const auto& prepared = static_cast<const Stdit3Prepared&>(any);
    const Tensor& time = moment.modulation;
    Residual x(embed(step, prepared, latents));  // this rank's part of [B, T, S, C]
    for (size_t i = 0; i < spatial_.size(); ++i) {
        x = spatial_[i](step, std::move(x), prepared.spatial_text[i], time, {});
        x = temporal_[i](step, std::move(x), prepared.temporal_text[i], time, prepared.turns);
    }
    return project_out(step, moment.embedded, std::move(x), latents.shape());
}

Tensor Stdit3::embed(const StepContext& step, const Prepared& any, const Tensor& latents) const {
    const auto& prepared = static_cast<const Stdit3Prepared&>(any);
    const Tensor padded = pad_to_patches(step.context, latents, config_.patch());
    const Tensor patches = to_resident(step, kernels::patchify(step.context, padded, config_.patch(), dtype_));
    const Tensor positions = resident_rows(step, prepared.patch_positions, parallel::Split::Patches);
    return kernels::add_table(step.context, patch_(step.context, patches), positions);
}

/// The last modulation is of the time embedding itself, not of its projection.
Tensor Stdit3::project_out(const StepContext& step, const Tensor& embedded, Residual x, const Shape& latents) const {
    const Context& context = step.context;
    const FinalModulation last = final_modulation(context, final_table_, embedded);
    const Tensor normed = x.normed(context, last.norm(kEpsilon));
    const Tensor tokens = to_whole(step, out_(context, normed));  // [B, T, S, p p C'], fewer bytes than before out_
    const Tensor padded = kernels::unpatchify(context, tokens, config_.patch(), in_patches(latents[3], config_.patch()),
                                              in_patches(latents[4], config_.patch()));
    return kernels::contiguous(context, padded.slice(3, 0, latents[3]).slice(4, 0, latents[4]));
}

}  // namespace kine::dit::open_sora
