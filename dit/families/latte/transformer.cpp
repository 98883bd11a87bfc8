#include "dit/families/latte/transformer.h"

#include "dit/families/factored_cost.h"
#include "dit/modules/attention_site.h"
#include "dit/modules/position_table.h"
#include "dit/modules/resident.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/norm/norm.h"
#include "kernels/patch/patch.h"

#include <algorithm>
#include <numeric>

namespace kine::dit::latte {

namespace {

using broadcast::SiteKind;

/// Everything that the prompt, the size and the schedule decide.
struct LattePrepared final : Prepared {
    std::vector<Tensor> text;     // of each spatial block: keys and values [B, L, 2C]
    std::vector<Moment> moments;  // of each step: modulation [B, 6, C], embedded [B, C]
    Tensor patch_positions;       // [S, C]
    Tensor frame_positions;       // [T, 1, C]; empty for a single frame
};

AttentionShape attention_shape(const Config& config) {
    return {config.num_attention_heads, config.attention_head_dim, config.attention_bias};
}

std::vector<double> counted(int64_t count) {
    std::vector<double> numbers(static_cast<size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0.0);
    return numbers;
}

}  // namespace

SpatialBlock::SpatialBlock(const Scope& scope, const Config& config, int index)
    : self_{SiteKind::SpatialAttention, index},
      cross_{SiteKind::CrossAttention, index},
      mlp_{SiteKind::SpatialMlp, index},
      eps_(static_cast<float>(config.norm_eps)),
      table_(scope.as(DType::Float32).bind("scale_shift_table", {6, config.channels()})),
      attention_(scope / "attn1", attention_shape(config), AttendedAxis::Patches),
      cross_attention_(scope / "attn2", attention_shape(config), config.cross_attention_dim),
      feed_forward_(scope / "ff", config.channels(), 4 * config.channels()) {}

Residual SpatialBlock::operator()(const StepContext& step, Residual x, const Tensor& text, const Tensor& time) const {
    const Context& context = step.context;
    const auto [attention, mlp] = block_modulation(context, table_, time);
    x = residual_at(
        step, self_, std::move(x), attention.norm(eps_), [&](const Tensor& h) { return attention_(step, h); },
        attention.gate);
    x = residual_at(step, cross_, std::move(x), [&](const Tensor& h) { return cross_attention_(context, h, text); });
    return residual_at(
        step, mlp_, std::move(x), mlp.norm(eps_), [&](const Tensor& h) { return feed_forward_(context, h); }, mlp.gate);
}

TemporalBlock::TemporalBlock(const Scope& scope, const Config& config, int index)
    : self_{SiteKind::TemporalAttention, index},
      mlp_{SiteKind::TemporalMlp, index},
      eps_(static_cast<float>(config.norm_eps)),
      table_(scope.as(DType::Float32).bind("scale_shift_table", {6, config.channels()})),
      attention_(scope / "attn1", attention_shape(config), AttendedAxis::Frames),
      feed_forward_(scope / "ff", config.channels(), 4 * config.channels()) {}

Residual TemporalBlock::operator()(const StepContext& step, Residual x, const Tensor& time) const {
    const Context& context = step.context;
    const auto [attention, mlp] = block_modulation(context, table_, time);
    x = residual_at(
        step, self_, std::move(x), attention.norm(eps_), [&](const Tensor& h) { return attention_(step, h); },
        attention.gate);
    return residual_at(
        step, mlp_, std::move(x), mlp.norm(eps_), [&](const Tensor& h) { return feed_forward_(context, h); }, mlp.gate);
}

LatteTransformer::LatteTransformer(const Scope& scope, const Config& config)
    : config_(config),
      dtype_(scope.dtype()),
      patch_(Linear::over_patches(scope / "pos_embed.proj", config.in_channels, config.channels(), config.patch_size)),
      time_(scope / "adaln_single", config.channels()),
      caption_in_(scope / "caption_projection.linear_1", config.caption_channels, config.channels()),
      caption_out_(scope / "caption_projection.linear_2", config.channels(), config.channels()),
      final_table_(scope.as(DType::Float32).bind("scale_shift_table", {2, config.channels()})),
      out_(scope / "proj_out", config.channels(), config.patch_size * config.patch_size * config.out_channels) {
    for (int i = 0; i < config.num_layers; ++i) {
        spatial_.emplace_back((scope / "transformer_blocks" / i).of_block(), config, i);
        temporal_.emplace_back((scope / "temporal_transformer_blocks" / i).of_block(), config, i);
    }
}

Shape LatteTransformer::token_shape(const Shape& latents, int64_t branches) const {
    const int64_t patches = (latents[2] / config_.patch_size) * (latents[3] / config_.patch_size);
    return {branches, latents[1], patches, config_.channels()};
}

TransformerCost LatteTransformer::cost(const Shape& latents, int64_t branches) const {
    return factored_cost({.tokens = token_shape(latents, branches),
                          .heads = config_.num_attention_heads,
                          .pairs = config_.num_layers,
                          .element_bytes = size_of(dtype_),
                          .patch_area = config_.patch_size * config_.patch_size,
                          .input_channels = config_.in_channels,
                          .output_channels = config_.out_channels});
}

std::unique_ptr<Prepared> LatteTransformer::prepare(const Context& context, const Conditioning& conditioning,
                                                    const VideoSize& size, std::span<const double> timesteps) const {
    const Shape& latents = size.latents;
    auto prepared = std::make_unique<LattePrepared>();
    const int64_t batch = conditioning.states.dim(0);
    const Tensor text = caption_out_(context, caption_in_(context, conditioning.states, kernels::Activation::GeluTanh));
    for (const SpatialBlock& block : spatial_) prepared->text.push_back(block.text_keys_and_values(context, text));
    for (const double t : timesteps) {
        const std::vector<double> rows(static_cast<size_t>(batch), t);
        TimeEmbedding time = time_(context, rows);
        prepared->moments.push_back({std::move(time.modulation), std::move(time.embedded)});
    }
    const PatchGrid grid{.rows = latents[2] / config_.patch_size,
                         .columns = latents[3] / config_.patch_size,
                         .base = config_.sample_size / config_.patch_size,
                         .interpolation = static_cast<double>(std::max<int64_t>(config_.sample_size / 64, 1))};
    const int64_t channels = config_.channels();
    prepared->patch_positions = kernels::cast(context, patch_position_table(context, grid, channels), dtype_);
    if (latents[1] > 1) {
        const Tensor frames = kernels::cast(context, position_table(context, counted(latents[1]), channels), dtype_);
        prepared->frame_positions = frames.reshape({latents[1], 1, channels});
    }
    return prepared;
}

Moment LatteTransformer::moment(const StepContext& step, const Prepared& prepared) const {
    return static_cast<const LattePrepared&>(prepared).moments[static_cast<size_t>(step.index)];
}

Tensor LatteTransformer::predict(const StepContext& step, const Prepared& any, const Moment& moment,
                                 const Tensor& latents) const {
    const auto& prepared = static_cast<const LattePrepared&>(any);
    const Tensor& time = moment.modulation;
    Residual x(embed(step, prepared, latents));  // this rank's part of [B, T, S, C]
    for (size_t i = 0; i < spatial_.size(); ++i) {
        x = spatial_[i](step, std::move(x), prepared.text[i], time);
        if (i == 0) x = Residual(add_frame_positions(step, prepared, std::move(x).release(step.context)));
        x = temporal_[i](step, std::move(x), time);
    }
    return project_out(step, moment.embedded, std::move(x), latents.shape());
}

Tensor LatteTransformer::embed(const StepContext& step, const Prepared& any, const Tensor& latents) const {
    const auto& prepared = static_cast<const LattePrepared&>(any);
    const Tensor patches = to_resident(step, kernels::patchify(step.context, latents, config_.patch_size, dtype_));
    const Tensor positions = resident_rows(step, prepared.patch_positions, parallel::Split::Patches);
    return kernels::add_table(step.context, patch_(step.context, patches), positions);
}

Tensor LatteTransformer::add_frame_positions(const StepContext& step, const Prepared& any, Tensor x) const {
    const auto& prepared = static_cast<const LattePrepared&>(any);
    if (!prepared.frame_positions) return x;
    const Tensor positions = resident_rows(step, prepared.frame_positions, parallel::Split::Frames);  // [T, 1, C]
    return kernels::add_table(step.context, std::move(x), positions);
}

Tensor LatteTransformer::project_out(const StepContext& step, const Tensor& embedded, Residual x,
                                     const Shape& latents) const {
    const Context& context = step.context;
    const FinalModulation last = final_modulation(context, final_table_, embedded);
    const Tensor normed = x.normed(context, last.norm(static_cast<float>(config_.norm_eps)));
    const Tensor tokens = to_whole(step, out_(context, normed));  // [B, T, S, p p C'], fewer bytes than before out_
    return kernels::unpatchify(context, tokens, config_.patch_size, latents[3] / config_.patch_size,
                               latents[4] / config_.patch_size);
}

}  // namespace kine::dit::latte
